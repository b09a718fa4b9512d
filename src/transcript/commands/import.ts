import { writeTranscript } from '../notation.ts'
import { readSwaks } from '../swaks.ts'
import { type Arguments, lastOf, UsageError } from './arguments.ts'
import { findSources } from './sources.ts'

/** Turns what swaks printed into a transcript. Returns the exit status. */
export async function importSwaks(given: Arguments, say: (text: string) => void): Promise<number> {
  const title = headerOf(given, 'title') ?? 'A dialogue that swaks had'
  const spec = headerOf(given, 'spec') ?? 'RFC 5321'
  const [source, ...more] = findSources(given.operands)
  if (source === undefined || more.length > 0) throw new UsageError('import takes one file')
  const about = { file: source.path, title, spec }
  say(writeTranscript(readSwaks(source.bytes, about, given.values.has('keep-credentials'))))
  return 0
}

function headerOf(given: Arguments, name: string): string | undefined {
  const value = lastOf(given, name)
  if (value !== undefined && !/^\S(.*\S)?$/.test(value))
    throw new UsageError(`--${name} is one line without spaces around it`)
  return value
}

import { writeTranscript } from '../notation.ts'
import { readSwaks } from '../swaks.ts'
import { type Arguments, lastValue, UsageError } from './arguments.ts'
import { findSources } from './sources.ts'

/** Runs `smtp-transcript import`: converts the output of swaks to a transcript. Returns the exit status. */
export async function importSwaks(args: Arguments, print: (text: string) => void): Promise<number> {
  const title = headerOf(args, 'title') ?? 'A dialogue of swaks'
  const spec = headerOf(args, 'spec') ?? 'RFC 5321'
  const [source, ...more] = findSources(args.operands)
  if (source === undefined || more.length > 0) throw new UsageError('import takes one file')
  const about = { file: source.path, title, spec }
  print(writeTranscript(readSwaks(source.bytes, about, args.values.has('keep-credentials'))))
  return 0
}

function headerOf(args: Arguments, name: string): string | undefined {
  const value = lastValue(args, name)
  if (value !== undefined && !/^\S(.*\S)?$/.test(value))
    throw new UsageError(`--${name} must be one line without leading or trailing spaces`)
  return value
}

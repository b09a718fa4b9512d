import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { escapeForTerminal } from '../../support/escape.ts'
import { Progress } from '../../support/progress.ts'
import { type Conditions, readConditions } from '../conditions.ts'
import { readTranscript, type Transcript, writeTranscript } from '../notation.ts'
import { type LoopbackOptions, overLoopback } from '../runners/loopback.ts'
import { asWritten, byteByByte, cutInTwo, withLateAnswers } from '../runners/runners.ts'
import { type Arguments, UsageError } from './arguments.ts'
import { diffLines } from './difference.ts'
import { mapConcurrent } from './map-concurrent.ts'
import { findSources, type Source, shippedFixtures } from './sources.ts'

type AnyRunner = (transcript: Transcript, conditions: Conditions) => Transcript | Promise<Transcript>

const runners: Readonly<Record<string, AnyRunner>> = {
  'as-written': asWritten,
  'byte-by-byte': byteByByte,
  'cut-in-two': cutInTwo,
  'late-answers': withLateAnswers,
  loopback: (transcript, conditions) => overLoopback(transcript, conditions, loopbackOptions()),
}

/** Number of transcripts that are played at once. Over loopback they wait for timers, not for the CPU. */
const jobs = 8

/** Runs `smtp-transcript play`: plays transcripts with the engine, prints the differences, returns the exit status. */
export async function play(args: Arguments, print: (text: string) => void): Promise<number> {
  const names = args.values.get('runner') ?? Object.keys(runners)
  for (const name of names) if (!Object.hasOwn(runners, name)) throw new UsageError(`unknown runner: ${name}`)
  const update = args.values.has('update')
  if (update && args.operands.includes('-')) throw new UsageError('--update cannot write to standard input')
  const sources = findSources(args.operands)
  const progress = new Progress(process.stderr, 'transcripts')
  const report = (text: string) => {
    progress.clear()
    print(text)
  }
  let done = 0
  const differing = await mapConcurrent(jobs, sources, async source => {
    const found = await playOne(source, names, update ? report : undefined).catch((error: Error) => [
      escapeForTerminal(error.message),
    ])
    for (const line of found) report(`${line}\n`)
    done += 1
    progress.show(done, done / sources.length)
    return found.length
  })
  progress.clear()
  const failed = differing.filter(lines => lines > 0).length
  const count = sources.length === 1 ? '1 transcript' : `${sources.length} transcripts`
  print(`${count}: ${sources.length - failed} as written, ${failed} not\n`)
  return failed === 0 ? 0 : 1
}

/** Plays one file, after updating it if `onUpdate` is given. Returns a report on the first difference, or nothing. */
async function playOne(
  source: Source,
  names: readonly string[],
  onUpdate: ((text: string) => void) | undefined,
): Promise<string[]> {
  let transcript = readTranscript(source.text, source.path)
  const conditions = conditionsOf(transcript)
  if (onUpdate !== undefined) {
    transcript = asWritten(transcript, conditions)
    const text = writeTranscript(transcript)
    if (text !== source.text) {
      writeFileSync(source.path, text)
      onUpdate(`${escapeForTerminal(source.path)}: updated\n`)
    }
  }
  const expected = writeTranscript(transcript)
  for (const name of names) {
    const got = writeTranscript(await runners[name]!(transcript, conditions))
    if (got === expected) continue
    return [
      `${escapeForTerminal(source.path)}: ${escapeForTerminal(transcript.title)} (${name})`,
      ...diffLines(expected, got),
    ]
  }
  return []
}

function conditionsOf({ file, conditions }: Transcript): Conditions {
  try {
    return readConditions(conditions)
  } catch (error) {
    throw new Error(`${file}: With: ${(error as Error).message}`)
  }
}

let cachedLoopbackOptions: LoopbackOptions | undefined

function loopbackOptions(): LoopbackOptions {
  const read = (name: string) => readFileSync(join(shippedFixtures, 'tls', name))
  cachedLoopbackOptions ??= {
    certificate: { cert: read('certificate.pem'), key: read('key.pem') },
    timeoutMs: 5_000,
    silenceMs: 400,
  }
  return cachedLoopbackOptions
}

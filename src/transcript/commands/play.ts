import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { escapeForTerminal } from '../../support/escape.ts'
import { Progress } from '../../support/progress.ts'
import { type Conditions, readConditions } from '../conditions.ts'
import { readTranscript, type Transcript, writeTranscript } from '../notation.ts'
import { type LoopbackOptions, overLoopback } from '../runners/loopback.ts'
import { asWritten, byteByByte, cutInTwo, withLateAnswers } from '../runners/runners.ts'
import { type Arguments, UsageError } from './arguments.ts'
import { differenceOf } from './difference.ts'
import { mapConcurrent } from './map-concurrent.ts'
import { findSources, type Source, shippedFixtures } from './sources.ts'

type AnyPlayer = (transcript: Transcript, conditions: Conditions) => Transcript | Promise<Transcript>

const players: Readonly<Record<string, AnyPlayer>> = {
  'as-written': asWritten,
  'byte-by-byte': byteByByte,
  'cut-in-two': cutInTwo,
  'late-answers': withLateAnswers,
  loopback: (transcript, conditions) => overLoopback(transcript, conditions, scene()),
}

/** Plays over loopback wait for timers, not for the processor. */
const jobs = 8

/** Plays transcripts with this engine, and says where what happens is not what is written. Returns the exit status. */
export async function play(given: Arguments, say: (text: string) => void): Promise<number> {
  const names = given.values.get('player') ?? Object.keys(players)
  for (const name of names) if (!Object.hasOwn(players, name)) throw new UsageError(`no such player: ${name}`)
  const update = given.values.has('update')
  if (update && given.operands.includes('-')) throw new UsageError('--update cannot write standard input')
  const sources = findSources(given.operands)
  const progress = new Progress(process.stderr, 'transcripts')
  const tell = (text: string) => {
    progress.clear()
    say(text)
  }
  let done = 0
  const faults = await mapConcurrent(jobs, sources, async source => {
    const found = await playOne(source, names, update ? tell : undefined).catch((error: Error) => [
      escapeForTerminal(error.message),
    ])
    for (const line of found) tell(`${line}\n`)
    done += 1
    progress.show(done, done / sources.length)
    return found.length
  })
  progress.clear()
  const failed = faults.filter(lines => lines > 0).length
  const count = sources.length === 1 ? '1 transcript' : `${sources.length} transcripts`
  say(`${count}: ${sources.length - failed} as written, ${failed} not\n`)
  return failed === 0 ? 0 : 1
}

/** Lines that say what is wrong; none when nothing is. With `onUpdate` the file is written anew first, which it says. */
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
      onUpdate(`${escapeForTerminal(source.path)}: written anew\n`)
    }
  }
  const expected = writeTranscript(transcript)
  for (const name of names) {
    const got = writeTranscript(await players[name]!(transcript, conditions))
    if (got === expected) continue
    return [
      `${escapeForTerminal(source.path)}: ${escapeForTerminal(transcript.title)} (${name})`,
      ...differenceOf(expected, got),
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

let sceneOnce: LoopbackOptions | undefined

function scene(): LoopbackOptions {
  const read = (name: string) => readFileSync(join(shippedFixtures, 'tls', name))
  sceneOnce ??= {
    certificate: { cert: read('certificate.pem'), key: read('key.pem') },
    waitMs: 5_000,
    silenceMs: 400,
  }
  return sceneOnce
}

import type { Conditions } from '../conditions.ts'
import { type Transcript, writeTranscript } from '../notation.ts'
import { mergeLines, stepsOf, type TranscriptStep } from '../steps.ts'
import { type Chunking, EngineHarness } from './engine-harness.ts'

/** Plays a transcript and returns it with the lines of the server from this run. It should be unchanged. */
export type Runner = (transcript: Transcript, conditions: Conditions) => Transcript

/** Passes each chunk of the transcript as a whole. */
export const asWritten: Runner = (transcript, conditions) => play(transcript, conditions, whole)

/** Passes each byte on its own. */
export const byteByByte: Runner = (transcript, conditions) =>
  play(transcript, conditions, { cut: bytesOf, lateAnswers: false })

/** Passes each byte on its own, and answers questions only after the last byte of the chunk. */
export const withLateAnswers: Runner = (transcript, conditions) =>
  play(transcript, conditions, { cut: bytesOf, lateAnswers: true })

/**
 * Splits each chunk in two, at each position in turn. In a chunk of more than 2048 bytes it uses only the positions near
 * line endings and dots, and a sample of the others. Returns the first run that differs from the transcript, or the
 * last run.
 */
export const cutInTwo: Runner = (transcript, conditions) => {
  const cuts = stepsOf(transcript).flatMap(({ trigger }) =>
    trigger.type === 'chunk' ? [positionsIn(trigger.bytes)] : [],
  )
  const plays = Math.max(1, ...cuts.map(positions => positions.length))
  const expected = writeTranscript(transcript)
  let played = transcript
  for (let turn = 0; turn < plays; turn++) {
    const cut = (chunk: Buffer, number: number) => cutAt(chunk, cuts[number]![turn])
    played = play(transcript, conditions, { cut, lateAnswers: false })
    if (writeTranscript(played) !== expected) return played
  }
  return played
}

function play(transcript: Transcript, conditions: Conditions, requested: Chunking): Transcript {
  const harness = new EngineHarness(conditions)
  // With strict pipelining, the reply depends on which bytes arrive together. Splitting them would change it.
  const chunking = conditions.settings.strictPipelining ? whole : requested
  const lines = stepsOf(transcript).flatMap((step: TranscriptStep) =>
    mergeLines(step, harness.play(step, chunking)),
  )
  return { ...transcript, lines }
}

const whole: Chunking = { cut: chunk => [chunk], lateAnswers: false }

function bytesOf(chunk: Buffer): Buffer[] {
  return Array.from(chunk, (_, at) => chunk.subarray(at, at + 1))
}

function cutAt(chunk: Buffer, position: number | undefined): Buffer[] {
  return position === undefined ? [chunk] : [chunk.subarray(0, position), chunk.subarray(position)]
}

const longChunk = 2048
const maxPositions = 600

function positionsIn(chunk: Buffer): number[] {
  const all = Array.from({ length: Math.max(0, chunk.length - 1) }, (_, index) => index + 1)
  if (chunk.length <= longChunk) return all
  const nearDelimiters = all.filter(at => isNearDelimiter(chunk, at))
  const sampled = [...sample(nearDelimiters, maxPositions), ...sample(all, maxPositions / 10)]
  return [...new Set(sampled)]
}

/** Returns true next to a byte that may end a line or the content. */
function isNearDelimiter(chunk: Buffer, position: number): boolean {
  return chunk.subarray(Math.max(0, position - 2), position + 2).some(byte => byte <= 0x0d || byte === 0x2e)
}

function sample(positions: readonly number[], max: number): number[] {
  if (positions.length <= max) return [...positions]
  const stride = positions.length / max
  return Array.from({ length: max }, (_, index) => positions[Math.floor(index * stride)]!)
}

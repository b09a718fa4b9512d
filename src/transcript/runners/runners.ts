import type { Conditions } from '../conditions.ts'
import { type Transcript, writeTranscript } from '../notation.ts'
import { linesAfter, type Step, stepsOf } from '../steps.ts'
import { type Chunking, EngineHarness } from './engine-harness.ts'

/** Plays a transcript its own way; returns it with what the server did this time. Written, it should be unchanged. */
export type Runner = (transcript: Transcript, conditions: Conditions) => Transcript

/** Chunks as the transcript has them. */
export const asWritten: Runner = (transcript, conditions) => play(transcript, conditions, whole)

/** Every byte on its own. */
export const byteByByte: Runner = (transcript, conditions) =>
  play(transcript, conditions, { cut: bytesOf, lateAnswers: false })

/** Every byte on its own, and questions are answered only when the last byte of the chunk is there. */
export const withLateAnswers: Runner = (transcript, conditions) =>
  play(transcript, conditions, { cut: bytesOf, lateAnswers: true })

/**
 * Every chunk in two, at each position in turn. In a long chunk the positions are those around line ends and dots, and
 * some between. Returns the first play that differs from the transcript, or the last one.
 */
export const cutInTwo: Runner = (transcript, conditions) => {
  const cuts = stepsOf(transcript).flatMap(({ cue }) =>
    cue.type === 'chunk' ? [positionsIn(cue.bytes)] : [],
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

function play(transcript: Transcript, conditions: Conditions, passage: Chunking): Transcript {
  const stage = new EngineHarness(conditions)
  // Where pipelining is strict, it is the point what comes together.
  const way = conditions.settings.strictPipelining ? whole : passage
  const lines = stepsOf(transcript).flatMap((step: Step) => linesAfter(step, stage.play(step, way)))
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
  const telling = all.filter(at => isTelling(chunk, at))
  const sampled = [...sample(telling, maxPositions), ...sample(all, maxPositions / 10)]
  return [...new Set(sampled)]
}

/** Near a byte that may end a line or the content. */
function isTelling(chunk: Buffer, position: number): boolean {
  return chunk.subarray(Math.max(0, position - 2), position + 2).some(byte => byte <= 0x0d || byte === 0x2e)
}

function sample(positions: readonly number[], most: number): number[] {
  if (positions.length <= most) return [...positions]
  const stride = positions.length / most
  return Array.from({ length: most }, (_, index) => positions[Math.floor(index * stride)]!)
}

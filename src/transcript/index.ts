/**
 * Transcripts: SMTP dialogues in a text file that people can read and programs can play. This module reads and writes
 * the notation. Its runners play a transcript with the engine alone, in chunks of any size, and with a server over a
 * loopback socket.
 *
 * @module aws-smtp-relay/transcript
 */

export type { Certificate } from '../transport/index.ts'
export { parseBytes, printBytes } from './bytes.ts'
export { type Conditions, readConditions } from './conditions.ts'
export type { ActionName, DriverEvent, Line, QuestionType } from './line.ts'
export { NotationError, readTranscript, type Transcript, writeTranscript } from './notation.ts'
export { type LoopbackOptions, overLoopback } from './runners/loopback.ts'
export { asWritten, byteByByte, cutInTwo, type Runner, withLateAnswers } from './runners/runners.ts'

/**
 * Transcripts: dialogues that a person can read and a player can play. The notation reads and writes them, the players
 * play them with an engine alone, however the bytes come, and with a server over a socket.
 *
 * @module aws-smtp-relay/transcript
 */

export type { Certificate } from '../transport/index.ts'
export { parseBytes, printBytes } from './bytes.ts'
export { type Conditions, readConditions } from './conditions.ts'
export type { ActionName, Happening, Line, QuestionType } from './line.ts'
export { NotationError, readTranscript, type Transcript, writeTranscript } from './notation.ts'
export { type LoopbackOptions, overLoopback } from './runners/loopback.ts'
export { asWritten, byteByByte, cutInTwo, type Runner, withLateAnswers } from './runners/runners.ts'

import type { ParsedReply } from './reply-reader.ts'

/** How close a reply is to the one in the transcript, best first. */
export type ReplyMatch = 'same' | 'other code' | 'different'

/** Compares the codes of two replies, and the classes of their enhanced status codes if both have one. */
export function compareReplies(expected: ParsedReply, got: ParsedReply): ReplyMatch {
  if (expected.code === undefined || got.code === undefined) return 'different'
  const bothHaveStatus = expected.statusClass !== undefined && got.statusClass !== undefined
  if (bothHaveStatus && expected.statusClass !== got.statusClass) return 'different'
  if (expected.code === got.code) return 'same'
  return Math.floor(expected.code / 100) === Math.floor(got.code / 100) ? 'other code' : 'different'
}

/** Where a server deviates from a transcript. The texts come from the server and must be escaped for a terminal. */
export interface Difference {
  /** The last line of the transcript that was played before. */
  readonly after: string
  readonly expected: string
  readonly got: string
}

/** The result of replaying one transcript. */
export type ReplayOutcome =
  | { readonly type: 'agrees' }
  | { readonly type: 'other code' | 'differs'; readonly difference: Difference }
  | { readonly type: 'skipped'; readonly reason: string }

/** All types of outcomes, in the order of reports. */
export const outcomeTypes = ['agrees', 'other code', 'differs', 'skipped'] as const

import type { HeardReply } from './reply-reader.ts'

/** What a reply is worth beside the one in the transcript, the best first. */
export type ReplayResult = 'same' | 'other code' | 'different'

/** Compares codes, and the classes of the enhanced status codes where both replies have one. */
export function compare(expected: HeardReply, got: HeardReply): ReplayResult {
  if (expected.code === undefined || got.code === undefined) return 'different'
  const bothHaveOne = expected.statusClass !== undefined && got.statusClass !== undefined
  if (bothHaveOne && expected.statusClass !== got.statusClass) return 'different'
  if (expected.code === got.code) return 'same'
  return Math.floor(expected.code / 100) === Math.floor(got.code / 100) ? 'other code' : 'different'
}

/** Where a server leaves a transcript. The texts are the server's, and not safe for a terminal. */
export interface Difference {
  /** The last thing that happened before, as a line of the transcript. */
  readonly after: string
  readonly expected: string
  readonly got: string
}

/** What came of one transcript. */
export type StepOutcome =
  | { readonly type: 'agrees' }
  | { readonly type: 'other code' | 'differs'; readonly difference: Difference }
  | { readonly type: 'skipped'; readonly reason: string }

/** Every type of outcome, in the order of reports. */
export const outcomeTypes = ['agrees', 'other code', 'differs', 'skipped'] as const

import type { Finding } from './checks.ts'
import type { PlannedMessage } from './messages.ts'

/** One run of the program, from its start to its end. */
export interface ProcessRun {
  readonly number: number
  /** When it received SIGTERM, in milliseconds of `performance.now`. */
  stoppedAt?: number
  /** When it or one of its workers was killed (SIGKILL) or ended by itself. */
  readonly kills: number[]
}

/** How an attempt ended for its client. */
export type Ending =
  | { readonly type: 'reply'; readonly code: number; readonly text: string }
  /** The connection ended instead. */
  | { readonly type: 'broken' }
  /** The client disconnected. */
  | { readonly type: 'disconnected' }
  /** The client got no reply before its timeout. */
  | { readonly type: 'timeout' }

/** A client's attempt to send a message. */
export interface Attempt {
  /** The name in EHLO, which is also in the `Received` header of the calls. */
  readonly connection: string
  readonly processRun: ProcessRun
  readonly begunAt: number
  /** The client has sent the complete message. */
  complete: boolean
  ending?: Ending
  endedAt?: number
}

/** A call that the service has read completely. */
export interface Call {
  readonly attempt: Attempt | undefined
  readonly at: number
  /** The positions of its recipients in the message. */
  readonly recipients: readonly number[]
  /** The service has accepted the message for them. */
  readonly accepted: boolean
  /** `accepted`, or the name of the fault. */
  readonly how: string
  /**
   * `known`: the program knows from the answer whether the service accepted the message; `lost`: it cannot know;
   * `pending`: the answer has not ended.
   */
  answer: 'pending' | 'known' | 'lost'
  /** The service rejected it permanently. */
  readonly rejected: boolean
}

/** The ledger's entry of one message. */
export interface Entry {
  readonly plan: PlannedMessage
  readonly digest: string
  readonly attempts: Attempt[]
  readonly calls: Call[]
  /** The final reply. The client does not retry after it. */
  settled?: 'accepted' | 'rejected'
  settledAt?: number
  /** Recipients for which the service had not accepted the message when the client got 250. */
  missingAtReply: readonly number[]
  /** Findings that are recorded with a call, before `checkEntry`. */
  readonly anomalies: Finding[]
}

/** Settings of the program that the checks need. */
export interface LedgerSettings {
  readonly workers: number
  readonly drainMs: number
  /** The program's timeout of a call to SES, in milliseconds. */
  readonly upstreamMs: number
}

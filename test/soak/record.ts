import type { Finding } from './judgement.ts'
import type { Plan } from './mails.ts'

/** The program from one start to its end. */
export interface Life {
  readonly number: number
  /** It was told to stop (SIGTERM), milliseconds of `performance.now`. */
  stoppedAt?: number
  /** When it, or one of its workers, was ended without warning (SIGKILL), or ended by itself. */
  readonly kills: number[]
}

/** How an attempt ended, as its client knows it. */
export type Ending =
  | { readonly type: 'reply'; readonly code: number; readonly text: string }
  /** The connection ended instead. */
  | { readonly type: 'broken' }
  /** The client left by itself. */
  | { readonly type: 'left' }
  /** Nothing came in all the time that a client waits. */
  | { readonly type: 'silence' }

/** A client's attempt to send a mail. */
export interface Attempt {
  /** The name that the client gave in EHLO: it is in the `Received` header of what comes of it. */
  readonly connection: string
  readonly life: Life
  readonly begunAt: number
  /** The client has said all of it, up to its end. */
  finished: boolean
  ending?: Ending
  endedAt?: number
}

/** One call for a mail that was read to its end by the service. */
export interface Call {
  readonly attempt: Attempt | undefined
  readonly at: number
  /** The recipients' places in the mail. */
  readonly recipients: readonly number[]
  /** The service has the mail for them. */
  readonly taken: boolean
  /** What was done with it: `accepted`, or the name of a fault. */
  readonly how: string
  /**
   * `told`: the program has been told whether the service has the mail; `lost`: it cannot know; `pending`: it is not
   * told yet.
   */
  answer: 'pending' | 'told' | 'lost'
  /** The service refused it for good. */
  readonly rejected: boolean
}

/** All that is known of one mail. */
export interface Entry {
  readonly plan: Plan
  readonly digest: string
  readonly attempts: Attempt[]
  readonly calls: Call[]
  /** Its client will not try it any more. */
  settled?: 'accepted' | 'refused'
  settledAt?: number
  /** Recipients that nobody had when the client heard yes. */
  untakenAtYes: readonly number[]
  /** What is wrong with it besides what `judge` finds. */
  readonly oddities: Finding[]
}

/** What is to be known of the set-up before attempts can be judged. */
export interface Terms {
  readonly workers: number
  readonly drainMs: number
  /** After so long the program gives a call up. */
  readonly upstreamMs: number
}

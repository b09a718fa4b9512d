import type { LogFormats, Snapshot } from '../../operations/index.ts'
import type { WorkerSlot } from './share.ts'

/** A message from the primary to a worker. */
export type PrimaryMessage =
  /**
   * The first one: serve, with the share of this slot, and with the log formats for the streams of the primary. The streams
   * of a worker are never a terminal.
   */
  | { readonly type: 'serve'; readonly slot: WorkerSlot; readonly formats: LogFormats | undefined }
  /** Reload the certificate. */
  | { readonly type: 'reload' }
  /** Answer with `status`: whether the worker is ready, and its metrics if they are wanted. */
  | ({ readonly type: 'inspect'; readonly number: number } & StatusRequest)
  /** Answer with `pong`, so that the primary knows that the worker does not hang. */
  | { readonly type: 'ping' }
  /** Answer with `stopping`, let messages in flight finish, and exit. */
  | { readonly type: 'stop' }

/** A message from a worker to the primary. Log lines are not among them: they come through the standard streams. */
export type WorkerMessage =
  /** The worker receives messages. Node.js drops those that were sent before. */
  | { readonly type: 'ready' }
  /** The worker listens on every address. The ports are in the order of `--listen`. */
  | { readonly type: 'listening'; readonly ports: readonly number[] }
  /** The worker cannot serve, and exits. The text is for the operator. */
  | { readonly type: 'failed'; readonly message: string }
  /** A notice for the operator. If several workers have the same one, it is written once. */
  | { readonly type: 'notice'; readonly text: string }
  /** The answer to the `inspect` of this number. */
  | ({ readonly type: 'status'; readonly number: number } & WorkerStatus)
  /** The answer to `ping`. */
  | { readonly type: 'pong' }
  /** The answer to `stop`. */
  | { readonly type: 'stopping'; readonly clients: number }

/** What the primary wants to know of a worker, besides whether it is ready. */
export interface StatusRequest {
  readonly metrics: boolean
}

export interface WorkerStatus {
  /** Why no messages should be sent to the worker, a line per reason; none if it is ready. */
  readonly reasons: readonly string[]
  /** Left out if they were not wanted. */
  readonly metrics?: Snapshot | undefined
}

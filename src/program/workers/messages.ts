import type { LogFormats, Snapshot } from '../../operations/index.ts'
import type { WorkerSlot } from './share.ts'

/** What the primary tells a worker. */
export type PrimaryMessage =
  /**
   * The first one: begin to serve, with the share that belongs to this seat, and with the looks of the log that suit
   * the streams of the primary: those of a worker are never a terminal.
   */
  | { readonly type: 'serve'; readonly seat: WorkerSlot; readonly looks: LogFormats | undefined }
  /** Read the certificate again. */
  | { readonly type: 'reload' }
  /** Answer with `seen`: whether you are ready, and what else is wanted. */
  | ({ readonly type: 'inspect'; readonly number: number } & StatusRequest)
  /** Answer with `pong`, so that the primary knows that you do not hang. */
  | { readonly type: 'ping' }
  /** Say how many clients are connected, let running mails finish, and end. */
  | { readonly type: 'stop' }

/** What a worker tells the primary. Lines of the log are no messages: they come through its standard streams. */
export type WorkerMessage =
  /** It hears: Node drops what comes before. */
  | { readonly type: 'ready' }
  /** It listens on every address; the ports are in the order of `--listen`. */
  | { readonly type: 'listening'; readonly ports: readonly number[] }
  /** It cannot serve, and ends; a sentence for the operator. */
  | { readonly type: 'failed'; readonly message: string }
  /** Something that the operator should hear from one of the workers, but not from each. */
  | { readonly type: 'note'; readonly text: string }
  /** The answer to the `inspect` of this number. */
  | ({ readonly type: 'seen'; readonly number: number } & WorkerStatus)
  /** The answer to `ping`. */
  | { readonly type: 'pong' }
  /** The answer to `stop`. */
  | { readonly type: 'stopping'; readonly clients: number }

/** What an operator wants to see of a worker, besides whether it is ready. */
export interface StatusRequest {
  readonly metrics: boolean
}

/** What an operator sees of a worker. */
export interface WorkerStatus {
  /** Why no mail should come to it, a line each. */
  readonly reasons: readonly string[]
  /** Where they were asked for. */
  readonly metrics?: Snapshot | undefined
}

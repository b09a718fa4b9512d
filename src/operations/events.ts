import type { AccessEvent } from '../auth/index.ts'
import type { MessageEvent } from '../relay/index.ts'
import { type EventHandler, emit } from '../support/emit.ts'
import type { ConnectionEvent } from '../transport/index.ts'

/** Everything that a server reports. Each thing that happens is one event; `type` tells the events apart. */
export type RelayEvent =
  | ConnectionEvent
  | AccessEvent
  | MessageEvent
  | NoticeEvent
  | ProxyErrorEvent
  | ErrorEvent

/** Something that an operator should know: a sentence without a line end and without a secret. */
export interface NoticeEvent {
  readonly type: 'notice'
  readonly text: string
}

/**
 * A connection of a trusted load balancer was closed, because it did not begin with a valid PROXY header. This event takes
 * the place of the `ConnectionEvent` that a connection was rejected.
 */
export interface ProxyErrorEvent {
  readonly type: 'proxyError'
  /** The address of the load balancer. */
  readonly address: string
  readonly reason: string
}

/**
 * The server has caught an unexpected error, for example one that was thrown by a function of the embedding application.
 * One client got 451 or lost its connection; the server continues.
 */
export interface ErrorEvent {
  readonly type: 'error'
  readonly error: unknown
}

/** Returns a handler that calls each of these. An error of one does not keep the others from being called. */
export function combineHandlers<Event>(handlers: readonly EventHandler<Event>[]): EventHandler<Event> {
  return event => {
    for (const handler of handlers) emit(handler, event)
  }
}

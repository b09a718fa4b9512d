/** An event of a message. */
export type MessageEvent = ({ readonly type: 'delivery' } & Delivery) | UpstreamCall | MessageEnd

/** What became of a message for some recipients, for the log: the result of one call, or a rejection before any call. */
export interface Delivery {
  /** The time of the event. */
  readonly time: Date
  /** The client's IP address. */
  readonly ip: string
  /** The envelope sender; `''` is the null sender. */
  readonly from: string
  /** The recipients that this concerns. Empty if the sender was rejected, because no recipient was named yet. */
  readonly to: readonly string[]
  /** `<name>: <message>` of the error. Left out if the backend accepted the message. */
  readonly error?: string
  /**
   * Why no call was necessary: these recipients have the message from an earlier attempt of the client. Left out if there
   * was a call or an error.
   */
  readonly skipped?: string
  /**
   * What the server itself rejected, without a call: the sender, a recipient, the message for lack of memory, or the
   * message because its content came too slowly while others waited for memory.
   */
  readonly rejected?: 'sender' | 'recipient' | 'memory' | 'slow'
  /** The backend's ID of the message. */
  readonly messageId?: string
  /** Bytes of the message, this server's `Received` header included. Left out if its content was not received. */
  readonly size?: number
  /** Milliseconds that the call took. Left out if there was no call. */
  readonly durationMs?: number
  /** The user as which the client has logged in. */
  readonly user?: string
  /** The backend's name. Left out if the sender or a recipient was rejected. */
  readonly relay?: string
}

/** A call of a backend has ended. */
export interface UpstreamCall {
  readonly type: 'call'
  /** The backend's name. */
  readonly relay: string
  /** How the call ended for all of its recipients together. */
  readonly outcome: CallOutcome
  /** Milliseconds that the call took. */
  readonly durationMs: number
  /** An earlier call was made for the same message and recipients. */
  readonly isRetry: boolean
}

/**
 * `accepted`: at least for some recipients. `throttled`: the backend takes no more for now. `permanent`: the backend will
 * never accept this message. `temporary`: all other errors, none of which is known to be about the message.
 */
export type CallOutcome = 'accepted' | 'throttled' | 'temporary' | 'permanent'

/** A message has ended after its transaction was complete (DATA or BDAT). */
export interface MessageEnd {
  readonly type: 'message'
  /** The backend's name. */
  readonly relay: string
  /** The class of the reply to the client. `aborted`: the content did not arrive completely. */
  readonly outcome: 'accepted' | 'temporary' | 'permanent' | 'aborted'
  /** The number of recipients for which the backend accepted the message now. */
  readonly accepted: number
  /** The number of recipients that were left out, because they have the message from an earlier attempt. */
  readonly skipped: number
  /** The number of all other recipients, which do not have the message; 0 if it was aborted. */
  readonly refused: number
  /** Bytes of the message, this server's `Received` header included; 0 if it did not arrive completely. */
  readonly size: number
}

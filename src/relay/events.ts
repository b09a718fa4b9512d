/** What is told of mails to those who watch. */
export type MessageEvent = ({ readonly type: 'delivery' } & Delivery) | UpstreamCall | MessageEnd

/** What became of a mail for some recipients, as it is told to the operator: one call to a backend, or a refusal before. */
export interface Delivery {
  /** When it was known. */
  readonly time: Date
  /** The client's IP address. */
  readonly ip: string
  /** The envelope sender; `''` is the null sender. */
  readonly from: string
  /** The recipients of this call only; none where the sender was refused before it named any. */
  readonly to: readonly string[]
  /** `<name>: <message>` of what went wrong; left out when the backend accepted the mail. */
  readonly error?: string
  /**
   * Why the backend was not asked although nothing went wrong: these recipients have the message from an earlier attempt.
   * Left out otherwise.
   */
  readonly skipped?: string
  /**
   * What the server itself refused, before any backend was asked: the sender, a recipient, the message for want of
   * memory, or the message because its content came too slowly while others waited for memory.
   */
  readonly rejected?: 'sender' | 'recipient' | 'memory' | 'slow'
  /** The backend's name of the mail. */
  readonly messageId?: string
  /** Bytes of the message, this server's `Received` header included; left out where none had come yet. */
  readonly size?: number
  /** Milliseconds that the call took; left out where there was none. */
  readonly durationMs?: number
  /** The user the client had logged in as. */
  readonly user?: string
  /** The backend's name; left out where it was not asked. */
  readonly relay?: string
}

/** A call to a backend has ended. */
export interface UpstreamCall {
  readonly type: 'call'
  /** The backend's name. */
  readonly relay: string
  /** How it ended, all its recipients together. */
  readonly outcome: CallOutcome
  /** Milliseconds that it took. */
  readonly durationMs: number
  /** It was not the first one for these recipients of the mail. */
  readonly isRetry: boolean
}

/**
 * `accepted`: at least for some recipients. `throttled`: the backend takes no more for now. `permanent`: it will never
 * take this mail. `temporary`: all else; that is never known to be the mail's fault.
 */
export type CallOutcome = 'accepted' | 'throttled' | 'temporary' | 'permanent'

/** A mail has ended whose content was about to come, or had come. */
export interface MessageEnd {
  readonly type: 'message'
  /** The backend's name. */
  readonly relay: string
  /** What its client hears at the end; `abandoned`: no end of it came to the dispatcher. */
  readonly outcome: 'accepted' | 'temporary' | 'permanent' | 'abandoned'
  /** Recipients that the backend took it for now. */
  readonly accepted: number
  /** Recipients that were left out, because they have it from an earlier attempt. */
  readonly skipped: number
  /** All others: recipients for which its client has to hear the outcome; none of an abandoned one. */
  readonly refused: number
  /** Bytes of the message, this server's `Received` header included; 0 where it did not come to its end. */
  readonly size: number
}

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
  /** The backend's name of the mail. */
  readonly messageId?: string
  /** Bytes of the message, this server's `Received` header included; left out where none had come yet. */
  readonly size?: number
  /** Milliseconds that the call took; left out where there was none. */
  readonly ms?: number
  /** The user the client had logged in as. */
  readonly user?: string
  /** The backend's name; left out where it was not asked. */
  readonly relay?: string
}

/** Where deliveries are told. It must not wait: mail does not stop for its log. */
export type DeliveryLog = (delivery: Delivery) => void

/** Tells it, whatever the log does: what a client hears must not depend on it. */
export function tell(log: DeliveryLog, delivery: Delivery): void {
  try {
    log(delivery)
  } catch {
    // The mail is safe or refused by now.
  }
}

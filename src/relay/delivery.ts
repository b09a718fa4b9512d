/** One call to a backend, as it is told to the operator: who, to whom, how it ended, how long it took. */
export interface Delivery {
  /** When the call ended. */
  readonly time: Date
  /** The client's IP address. */
  readonly ip: string
  /** The envelope sender; `''` is the null sender. */
  readonly from: string
  /** The recipients of this call only. */
  readonly to: readonly string[]
  /** `<name>: <message>` of what went wrong; left out when the backend accepted the mail. */
  readonly error?: string
  /** The backend's name of the mail. */
  readonly messageId?: string
  /** Bytes of the message, this server's `Received` header included. */
  readonly size: number
  /** Milliseconds that the call took. */
  readonly ms: number
  /** The user the client had logged in as. */
  readonly user?: string
  /** The backend's name. */
  readonly relay: string
}

/** Where deliveries are told. It must not wait: mail does not stop for its log. */
export type DeliveryLog = (delivery: Delivery) => void

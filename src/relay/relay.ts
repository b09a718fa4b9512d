/** One mail on its way to a backend. The content is shared with other calls: it must not be changed. */
export interface Mail {
  /** The name this server gave the mail; its `Received` header and the log have it too. */
  readonly id: string
  /** The envelope sender; `''` is the null sender. */
  readonly sender: string
  /** The envelope recipients of this call, at least one. */
  readonly recipients: readonly string[]
  /** The message in order: first this server's `Received` header, then exactly what the client sent. */
  readonly content: readonly Buffer[]
  /** Bytes of the content, the `Received` header included. */
  readonly size: number
}

/** The backend's word that the mail is safe with it. */
export interface Receipt {
  /** The name the backend gave the mail; left out where it gave none or none that can be read. */
  readonly messageId?: string
}

/** A backend: something that takes responsibility for a mail. */
export interface Relay {
  readonly name: string
  /** The largest message, in bytes, that the backend can take: what EHLO says as SIZE unless the operator knows better. */
  readonly maxMessageBytes: number
  /** Recipients that fit in one call; without limit where left out. */
  readonly maxRecipientsPerCall?: number
  /**
   * Resolves only once the mail is safe. Rejects with whatever went wrong; the failure table (`failures.ts`) has
   * a reply for every error, so a backend throws what it got and knows nothing of SMTP.
   */
  send(mail: Mail): Promise<Receipt>
}

/** A message that is being delivered, by what identifies it. */
export interface MessageInFlight {
  /** Client, sender and size: messages with different ones are different messages. */
  readonly envelope: string
  readonly recipients: readonly string[]
  /** The digest of the content. Read only if another message has the same envelope and a recipient in common. */
  readonly digest: string
}

/**
 * Finds messages in flight with the same envelope, the same content and a recipient in common. Each step takes time
 * linear in the message's recipients, however many messages are in flight.
 */
export class MessagesInFlight<M extends MessageInFlight> {
  /** By envelope and recipient: the latest message, or, if there are several contents, the latest one by digest. */
  readonly #latest = new Map<string, Map<string, M | Map<string, M>>>()

  /** Returns the latest messages with the same content that have recipients in common with this one, if any. */
  overlapping(message: M): ReadonlySet<M> | undefined {
    const latest = this.#latest.size === 0 ? undefined : this.#latest.get(message.envelope)
    if (latest === undefined) return undefined
    let found: Set<M> | undefined
    for (const recipient of message.recipients) {
      const entry = latest.get(recipient)
      if (entry === undefined) continue
      const same = entry instanceof Map ? entry.get(message.digest) : entry
      if (same === undefined || same.digest !== message.digest) continue
      found ??= new Set()
      found.add(same)
    }
    return found
  }

  /** Makes this message the latest one of its content for each of its recipients. */
  add(message: M): void {
    const latest = this.#latest.get(message.envelope) ?? new Map<string, M | Map<string, M>>()
    this.#latest.set(message.envelope, latest)
    for (const recipient of message.recipients) {
      const entry = latest.get(recipient)
      if (entry === undefined) latest.set(recipient, message)
      else if (entry instanceof Map) entry.set(message.digest, message)
      else {
        const byDigest = new Map([[entry.digest, entry]])
        latest.set(recipient, byDigest.set(message.digest, message))
      }
    }
  }

  /** Removes the message, except where a later one has replaced it. Without effect if it was not added. */
  delete(message: M): void {
    const latest = this.#latest.size === 0 ? undefined : this.#latest.get(message.envelope)
    if (latest === undefined) return
    for (const recipient of message.recipients) {
      const entry = latest.get(recipient)
      if (entry === message) latest.delete(recipient)
      if (!(entry instanceof Map) || entry.get(message.digest) !== message) continue
      entry.delete(message.digest)
      if (entry.size === 0) latest.delete(recipient)
    }
    if (latest.size === 0) this.#latest.delete(message.envelope)
  }
}

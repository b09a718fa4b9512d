/** What identifies a message in flight. */
export interface InFlight {
  /** Client, sender and size: messages with different ones are different messages. */
  readonly envelope: string
  readonly recipients: readonly string[]
  /** The digest of the content. It is read only if envelope and a recipient are those of another message. */
  readonly digest: string
}

/**
 * Finds messages in flight with the same envelope, the same content and a recipient in common. Each step takes time
 * linear in the message's recipients, however many messages are in flight.
 */
export class MessagesInFlight<M extends InFlight> {
  /** By envelope and recipient: the latest message, or the latest one of each content by its digest. */
  readonly #latest = new Map<string, Map<string, M | Map<string, M>>>()

  /** The latest messages of the same content that have recipients in common with this one. */
  overlapping(message: M): ReadonlySet<M> {
    const found = new Set<M>()
    const latest = this.#latest.size === 0 ? undefined : this.#latest.get(message.envelope)
    if (latest === undefined) return found
    for (const recipient of message.recipients) {
      const there = latest.get(recipient)
      if (there === undefined) continue
      const same = there instanceof Map ? there.get(message.digest) : there
      if (same !== undefined && same.digest === message.digest) found.add(same)
    }
    return found
  }

  /** Makes this message the latest one of its content for each of its recipients. */
  add(message: M): void {
    const latest = this.#latest.get(message.envelope) ?? new Map<string, M | Map<string, M>>()
    this.#latest.set(message.envelope, latest)
    for (const recipient of message.recipients) {
      const there = latest.get(recipient)
      if (there === undefined) latest.set(recipient, message)
      else if (there instanceof Map) there.set(message.digest, message)
      else {
        const byDigest = new Map([[there.digest, there]])
        latest.set(recipient, byDigest.set(message.digest, message))
      }
    }
  }

  /** Removes the message, unless a later one has taken its place; without effect if it was not added. */
  delete(message: M): void {
    const latest = this.#latest.size === 0 ? undefined : this.#latest.get(message.envelope)
    if (latest === undefined) return
    for (const recipient of message.recipients) {
      const there = latest.get(recipient)
      if (there === message) latest.delete(recipient)
      if (!(there instanceof Map) || there.get(message.digest) !== message) continue
      there.delete(message.digest)
      if (there.size === 0) latest.delete(recipient)
    }
    if (latest.size === 0) this.#latest.delete(message.envelope)
  }
}

import assert from 'node:assert/strict'
import { type Message, PartialFailure, type Receipt, type Relay } from '../../src/relay/relay.ts'
import type { Clock } from '../../src/support/clock.ts'

/** What the backend does with one call: accept, fail, do so later, or compute the result. */
export type Deed = Receipt | Error | Promise<Receipt> | ((message: Message) => Receipt | Promise<Receipt>)

/** The properties of a fake backend. */
export interface Nature {
  readonly perCall?: number
  readonly answersPerRecipient?: boolean
  readonly maxConcurrentCalls?: number
  readonly clock?: Clock
}

/** A scripted backend: performs its deeds call by call, then accepts. Counts the copies of each recipient. */
export class Backend implements Relay {
  readonly name = 'fake'
  readonly maxMessageBytes = 1000
  readonly maxRecipientsPerCall: number
  readonly answersPerRecipient: boolean
  readonly maxConcurrentCalls: number
  /** The calls, in the order in which they began. */
  readonly messages: Message[] = []
  /** When each call came, if there is a clock. */
  readonly times: number[] = []
  /** The number of copies by recipient. */
  readonly received = new Map<string, number>()
  readonly #deeds: Deed[]
  readonly #clock: Clock | undefined

  constructor(deeds: readonly Deed[] = [], nature: Nature = {}) {
    const { perCall = 50, answersPerRecipient = false, maxConcurrentCalls = 1000, clock } = nature
    this.#deeds = [...deeds]
    this.maxRecipientsPerCall = perCall
    this.answersPerRecipient = answersPerRecipient
    this.maxConcurrentCalls = maxConcurrentCalls
    this.#clock = clock
  }

  async send(message: Message): Promise<Receipt> {
    this.messages.push(message)
    if (this.#clock) this.times.push(this.#clock.now())
    const deed = this.#deeds.shift() ?? {}
    if (deed instanceof Error) throw deed
    const receipt = await (typeof deed === 'function' ? deed(message) : deed)
    this.take(message.recipients)
    return receipt
  }

  /** Adds deeds for further calls. */
  expect(deeds: readonly Deed[]): void {
    this.#deeds.push(...deeds)
  }

  take(recipients: readonly string[]): void {
    for (const recipient of recipients) this.received.set(recipient, (this.received.get(recipient) ?? 0) + 1)
  }

  /** Accepts the message for some recipients, and rejects it for those that have an error. */
  partly(errorOf: (recipient: string) => Error | undefined): Deed {
    return ({ recipients }) => {
      const refused = new Map<string, Error>()
      for (const recipient of recipients) {
        const error = errorOf(recipient)
        if (error) refused.set(recipient, error)
      }
      if (refused.size === 0) return {}
      this.take(recipients.filter(recipient => !refused.has(recipient)))
      throw new PartialFailure(refused, refused.size < recipients.length ? { messageId: 'part' } : {})
    }
  }

  /** The sizes of the calls. */
  get sizes(): number[] {
    return this.messages.map(({ recipients }) => recipients.length)
  }

  /** Asserts that these recipients got the message once, and no others. */
  assertOnce(recipients: readonly string[]): void {
    const counts = Object.fromEntries(recipients.map(recipient => [recipient, 1]))
    assert.deepEqual(Object.fromEntries(this.received), counts)
  }
}

/** An error of AWS as its SDK throws it. */
export function awsError(name: string, message: string, httpStatusCode = 400): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode } })
}

export const throttled = awsError('Throttling', 'Maximum sending rate exceeded.')
export const quotaReached = awsError('Throttling', 'Daily message quota exceeded.')
export const outOfOrder = awsError('ServiceUnavailable', 'unavailable', 503)
export const rejected = awsError('MessageRejected', 'Content rejected')
export const brokenOff = Object.assign(new Error('socket hang up'), {
  code: 'ECONNRESET',
  name: 'TimeoutError',
})

export function people(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `person-${n}@example.org`)
}

/** A message as the dispatcher creates it. Its `Received` header differs each time. */
export function messageTo(recipients: readonly string[], text = 'Subject: x\r\n\r\nbody\r\n'): Message {
  const content = [Buffer.from(`Received: ${Math.random()}\r\n`), Buffer.from(text)]
  return {
    id: 'id',
    sender: 'alice@example.org',
    recipients,
    content,
    headerBytes: content[0]!.length,
    size: content.reduce((sum, part) => sum + part.length, 0),
  }
}

/** A promise that the test settles. */
export function hold<T>() {
  let release: (value: T) => void = () => undefined
  let fail: (error: Error) => void = () => undefined
  const promise = new Promise<T>((resolve, reject) => {
    release = resolve
    fail = reject
  })
  return { promise, release, fail }
}

/** Lets all pending promises continue. */
export function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

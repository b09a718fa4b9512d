import { randomBytes } from 'node:crypto'
import type { Transaction, Verdict } from '../protocol/events.ts'
import type { Client, Host, MessageSink } from '../protocol/host.ts'
import { replies } from '../protocol/replies.ts'
import { reply } from '../protocol/reply.ts'
import { Content } from './content.ts'
import type { Delivery, DeliveryLog } from './delivery.ts'
import { refusal } from './failures.ts'
import { describe, oneLine } from './fault.ts'
import type { Mail, Receipt, Relay } from './relay.ts'
import { received } from './trace.ts'

/** What the dispatcher goes by. */
export interface Rules {
  /** The name this server goes by, for the `Received` header. */
  readonly hostname: string
  /** The name of the service, for the same. */
  readonly service: string
  /** The time; the system's if left out. */
  readonly now?: () => Date
}

/** The part of the host that takes mails and gives them to a backend. */
export function dispatcher(relay: Relay, rules: Rules, log: DeliveryLog): Required<Pick<Host, 'message'>> {
  return {
    message: (transaction, client) => new Dispatch(relay, rules, log, transaction, client),
  }
}

/** One mail: its content is collected, then it is sent in as many calls as the backend needs. */
class Dispatch implements MessageSink {
  readonly #relay: Relay
  readonly #now: () => Date
  readonly #log: DeliveryLog
  readonly #client: Client
  readonly #mail: Omit<Mail, 'content' | 'size'>
  readonly #header: Buffer
  /** `undefined` once the mail was handed on or given up. */
  #content: Content | undefined = new Content()

  constructor(relay: Relay, rules: Rules, log: DeliveryLog, transaction: Transaction, client: Client) {
    const { hostname, service, now = () => new Date() } = rules
    this.#relay = relay
    this.#now = now
    this.#log = log
    this.#client = client
    const recipients = transaction.recipients.map(({ address }) => address)
    const id = randomBytes(10).toString('hex')
    this.#mail = { id, sender: transaction.sender.address, recipients }
    this.#header = Buffer.from(received({ client, recipients, hostname, service, id, time: now() }))
  }

  write(bytes: Buffer): void {
    this.#content?.add(bytes)
  }

  discard(): void {
    this.#content = undefined
  }

  async deliver(): Promise<Verdict> {
    const content = this.#content
    this.#content = undefined
    if (content === undefined) return replies.localError
    const whole: Mail = {
      ...this.#mail,
      content: [this.#header, ...content.parts()],
      size: this.#header.length + content.size,
    }
    let messageId: string | undefined
    try {
      // One after the other: a call that fails keeps those behind it from being made, and the client hears of it.
      for (const recipients of batches(whole.recipients, this.#relay.maxRecipientsPerCall)) {
        const receipt = await this.#send({ ...whole, recipients })
        messageId ??= receipt.messageId
      }
    } catch (error) {
      return refusal(error)
    }
    return messageId === undefined ? replies.delivered : reply(250, '2.0.0', `Ok ${oneLine(messageId)}`)
  }

  async #send(mail: Mail): Promise<Receipt> {
    const begun = performance.now()
    try {
      const receipt = await this.#relay.send(mail)
      this.#tell(mail, begun, receipt)
      return receipt
    } catch (error) {
      this.#tell(mail, begun, { error: describe(error) })
      throw error
    }
  }

  #tell(mail: Mail, begun: number, outcome: Pick<Delivery, 'error' | 'messageId'>): void {
    const { address, user } = this.#client
    const { error, messageId } = outcome
    try {
      this.#log({
        time: this.#now(),
        ip: address,
        from: mail.sender,
        to: mail.recipients,
        size: mail.size,
        ms: Math.round(performance.now() - begun),
        relay: this.#relay.name,
        ...(error !== undefined && { error }),
        ...(messageId !== undefined && { messageId }),
        ...(user !== undefined && { user }),
      })
    } catch {
      // The backend has the mail or refused it; what the client hears must not depend on the log.
    }
  }
}

function* batches(recipients: readonly string[], size = recipients.length): Generator<readonly string[]> {
  for (let first = 0; first < recipients.length; first += size) yield recipients.slice(first, first + size)
}

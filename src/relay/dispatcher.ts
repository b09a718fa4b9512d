import { randomUUID } from 'node:crypto'
import type { Transaction, Verdict } from '../protocol/events.ts'
import type { Client, Host, MessageSink } from '../protocol/host.ts'
import { replies } from '../protocol/replies.ts'
import { reply } from '../protocol/reply.ts'
import type { Content } from './content.ts'
import { Courier, type Manner } from './courier.ts'
import { type DeliveryLog, tell } from './delivery.ts'
import { refusal } from './failures.ts'
import { oneLine } from './fault.ts'
import { RawContent } from './raw-content.ts'
import type { Mail, Relay } from './relay.ts'
import { received } from './trace.ts'

/** What the dispatcher goes by. */
export interface Rules extends Manner {
  /** The name this server goes by, for the `Received` header. */
  readonly hostname: string
  /** The name of the service, for the same. */
  readonly service: string
  /** The time of day; the system's if left out. */
  readonly now?: () => Date
}

/** What all mails of a dispatcher share. */
interface Office {
  readonly courier: Courier
  readonly relayName: string
  readonly newContent: () => Content
  readonly hostname: string
  readonly service: string
  readonly now: () => Date
  readonly log: DeliveryLog
}

/** The part of the host that takes mails and gives them to a backend. */
export function dispatcher(relay: Relay, rules: Rules, log: DeliveryLog): Required<Pick<Host, 'message'>> {
  const { hostname, service, now = () => new Date() } = rules
  const courier = new Courier(relay, rules)
  const newContent = relay.content ?? (() => new RawContent())
  const office: Office = { courier, relayName: relay.name, newContent, hostname, service, now, log }
  return {
    message: (transaction, client) => new Dispatch(office, transaction, client),
  }
}

/** One mail: its content is collected, then the courier has it. */
class Dispatch implements MessageSink {
  readonly #office: Office
  readonly #client: Client
  readonly #mail: Omit<Mail, 'content' | 'size'>
  /** `undefined` once the mail was handed on or given up. */
  #content: Content | undefined

  constructor(office: Office, transaction: Transaction, client: Client) {
    const { hostname, service, now } = office
    this.#office = office
    this.#client = client
    // Who is named twice gets it once.
    const recipients = [...new Set(transaction.recipients.map(({ address }) => address))]
    const utf8 = transaction.sender.parameters.has('SMTPUTF8')
    const id = randomUUID()
    const header = Buffer.from(received({ client, recipients, utf8, hostname, service, id, time: now() }))
    this.#mail = { id, sender: transaction.sender.address, recipients, headerBytes: header.length }
    this.#content = office.newContent()
    this.#content.add(header)
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
    const { courier, relayName: relay, now, log } = this.#office
    const { address: ip, user } = this.#client
    content.finish()
    const mail: Mail = { ...this.#mail, content, size: content.size }
    const sent = { ip, from: mail.sender, size: mail.size, relay, ...(user !== undefined && { user }) }
    try {
      const { messageId } = await courier.deliver(mail, call => tell(log, { time: now(), ...sent, ...call }))
      return messageId === undefined ? replies.delivered : reply(250, '2.0.0', `Ok ${oneLine(messageId)}`)
    } catch (error) {
      return refusal(error)
    }
  }
}

import { randomUUID } from 'node:crypto'
import type { HostReply, Transaction } from '../protocol/events.ts'
import type { Client, Host, MessageSink } from '../protocol/host.ts'
import { replies } from '../protocol/replies.ts'
import { isFailure, type Reply, reply } from '../protocol/reply.ts'
import { type EventHandler, emit } from '../support/emit.ts'
import type { Content } from './content.ts'
import { type CallReport, DeliveryAgent, type DeliveryOptions } from './delivery.ts'
import { logText, toReplyText } from './errors/error-info.ts'
import { replyFor } from './errors/error-table.ts'
import type { Delivery, MessageEnd, MessageEvent } from './events.ts'
import { type Eviction, MemoryBudget, NoMemory, type Reservation, TooSlow } from './limits/memory-budget.ts'
import { RawContent } from './raw-content.ts'
import { receivedHeader } from './received-header.ts'
import { assertRelay, type Message, type Relay } from './relay.ts'

/** What the dispatcher goes by. */
export interface DispatcherOptions extends Omit<DeliveryOptions, 'witness'> {
  /** The name this server goes by, for the `Received` header. */
  readonly hostname: string
  /** The name of the service, for the same. */
  readonly service: string
  /** The memory that mails share; without limit if left out. */
  readonly budget?: MemoryBudget
  /** The time of day; the system's if left out. */
  readonly now?: () => Date
  /**
   * Returns the network of an address; a client that has one address of a network can use all of them. What is remembered
   * of a client that has not logged in belongs to its network; to its address if this is left out.
   */
  readonly rateLimitKey?: (address: string) => string
}

/** What all mails of a dispatcher share. */
interface DispatcherContext {
  readonly relay: Relay
  readonly deliveryAgent: DeliveryAgent
  readonly budget: MemoryBudget
  readonly hostname: string
  readonly service: string
  readonly now: () => Date
  readonly rateLimitKey: (address: string) => string
  readonly onEvent: EventHandler<MessageEvent> | undefined
}

/**
 * The part of the host that takes mails and gives them to a backend.
 * @throws TypeError with a sentence where the backend cannot be one
 */
export function dispatcher(
  relay: Relay,
  rules: DispatcherOptions,
  onEvent: EventHandler<MessageEvent> | undefined,
): Required<Pick<Host, 'message'>> {
  assertRelay(relay)
  const {
    hostname,
    service,
    budget = noBudget,
    now = () => new Date(),
    rateLimitKey = address => address,
  } = rules
  const deliveryAgent = new DeliveryAgent(relay, { ...rules, onEvent })
  const office: DispatcherContext = {
    relay,
    deliveryAgent,
    budget,
    hostname,
    service,
    now,
    rateLimitKey,
    onEvent,
  }
  return {
    message(transaction, client) {
      const dispatch = new RelaySink(office, transaction, client)
      return dispatch.open()?.then(() => dispatch.earlyRejection() ?? dispatch) ?? dispatch
    },
  }
}

/**
 * The most memory that a mail takes which is as large as the server allows.
 * @param messageBytes what a client may send
 * @throws TypeError as `dispatcher`
 */
export function worstCaseBytes(relay: Relay, messageBytes: number): number {
  assertRelay(relay)
  return contentFor(relay).memoryBytesWith(messageBytes + maxReceivedBytes)
}

/** No `Received` header is longer. */
const maxReceivedBytes = 4096
const noBudget = new MemoryBudget({
  totalBytes: Number.POSITIVE_INFINITY,
  largestBytes: Number.POSITIVE_INFINITY,
  maxWaitMs: 0,
})
const evicted: Readonly<Record<Eviction, () => NoMemory | TooSlow>> = {
  slow: () => new TooSlow(),
  share: () => new NoMemory('the address of the client holds more than its share, and others wait'),
}

/** Keeps a mail for a backend. */
function contentFor(relay: Relay): Content {
  return relay.content?.() ?? new RawContent()
}

/** One mail: its content is collected, then the courier has it. */
class RelaySink implements MessageSink {
  readonly #context: DispatcherContext
  readonly #client: Client
  readonly #message: Omit<Message, 'content' | 'size'>
  readonly #header: Buffer
  /** The memory that the content takes. */
  readonly #reservation: Reservation
  /** `undefined` once the mail was handed on or given up. */
  #content: Content | undefined
  /** Why the mail is not taken, although it may still be coming. */
  #refused: Reply | undefined
  /** Recipients that the backend took it for. */
  #accepted = 0
  /** Recipients that have it from an earlier attempt. */
  #skipped = 0

  constructor(office: DispatcherContext, transaction: Transaction, client: Client) {
    const { hostname, service, now } = office
    this.#context = office
    this.#client = client
    // Without duplicates: each recipient gets the message once.
    const recipients = [...new Set(transaction.recipients.map(({ address }) => address))]
    const utf8 = transaction.sender.parameters.has('SMTPUTF8')
    const id = randomUUID()
    this.#header = Buffer.from(
      receivedHeader({ client, recipients, utf8, hostname, service, id, time: now() }),
    )
    this.#message = { id, sender: transaction.sender.address, recipients, headerBytes: this.#header.length }
    this.#content = contentFor(office.relay)
    // Last: what a backend throws must not leave a share behind that nobody gives back.
    this.#reservation = office.budget.open(client.address, why => this.#refuse(evicted[why]()))
  }

  /** Afterwards content may come. What its keeping throws is the end of the mail: nobody else could give it up. */
  open(): Promise<void> | undefined {
    try {
      return this.write(this.#header)?.catch(fault => this.#giveUp(fault))
    } catch (fault) {
      return this.#giveUp(fault)
    }
  }

  write(bytes: Buffer): Promise<void> | undefined {
    if (this.#content === undefined) return undefined
    const room = this.#reservation.resize(this.#content.memoryBytesWith(bytes.length), bytes.length)
    if (room !== true)
      return room.then(granted => (granted ? this.#append(bytes) : this.#refuse(new NoMemory())))
    this.#append(bytes)
    return undefined
  }

  /** The reply to a mail for which there is no memory before any of it has come. It ends with that. */
  earlyRejection(): Reply | undefined {
    if (this.#refused !== undefined) this.#emitEnd(this.#refused)
    return this.#refused
  }

  async deliver(): Promise<HostReply> {
    const content = this.#content
    this.#content = undefined
    if (content === undefined) return this.#emitEnd(this.#refused ?? replies.localError)
    const { size } = content
    try {
      content.finish()
      // What was still to be encoded may take more than before.
      const room = this.#reservation.resize(content.memoryBytes)
      if (room !== true && !(await room)) throw this.#noMemory(new NoMemory())
      this.#reservation.complete()
      const mail: Message = { ...this.#message, content, size }
      const onCall = (call: CallReport) => {
        if (call.skipped !== undefined) this.#skipped += call.to.length
        else if (call.error === undefined) this.#accepted += call.to.length
        this.#emitDelivery({ size, ...call })
      }
      const isGone = () => this.#client.gone === true
      const { messageId } = await this.#context.deliveryAgent.deliver(mail, this.#owner(), onCall, isGone)
      const consent =
        messageId === undefined ? replies.delivered : reply(250, '2.0.0', `Ok ${toReplyText(messageId)}`)
      return this.#emitEnd(consent, size)
    } catch (error) {
      return this.#emitEnd(replyFor(error), size)
    } finally {
      this.#reservation.release()
    }
  }

  discard(): void {
    this.#release()
    this.#finish('abandoned', 0, 0)
  }

  #giveUp(fault: unknown): never {
    this.discard()
    throw fault
  }

  #release(): void {
    this.#content = undefined
    this.#reservation.release()
  }

  #append(bytes: Buffer): void {
    const content = this.#content
    if (content === undefined) return
    content.add(bytes)
    this.#reservation.resize(content.memoryBytes)
  }

  /** There is no memory for it: what still comes of it is let go, and its client hears of it at the end. */
  #refuse(error: NoMemory | TooSlow): void {
    if (this.#content === undefined) return
    this.#release()
    this.#refused = replyFor(this.#noMemory(error))
  }

  /** Reports that the message is refused for this reason. Returns the reason. */
  #noMemory(error: NoMemory | TooSlow): Error {
    const rejected = error instanceof TooSlow ? 'slow' : 'memory'
    this.#emitDelivery({ to: this.#message.recipients, error: logText(error), rejected })
    return error
  }

  /** Names the client for what is remembered of its messages: its user if it has logged in, else its network. */
  #owner(): string {
    const { user, address } = this.#client
    return user === undefined ? `network ${this.#context.rateLimitKey(address)}` : `user ${user}`
  }

  #emitDelivery(
    what: Pick<Delivery, 'to' | 'error' | 'skipped' | 'rejected' | 'size' | 'durationMs' | 'messageId'>,
  ): void {
    const { onEvent, relay, now } = this.#context
    const { address: ip, user } = this.#client
    const who = { ip, from: this.#message.sender, relay: relay.name, ...(user !== undefined && { user }) }
    emit(onEvent, { type: 'delivery', time: now(), ...who, ...what })
  }

  /** Tells that the mail ended with this reply, and gives it back. */
  #emitEnd(reply: Reply, size = 0): Reply {
    const refused = isFailure(reply) ? this.#message.recipients.length - this.#accepted - this.#skipped : 0
    this.#finish(outcomeFor(reply), refused, size)
    return reply
  }

  #finish(outcome: MessageEnd['outcome'], refused: number, size: number): void {
    const { onEvent, relay } = this.#context
    const recipients = { accepted: this.#accepted, skipped: this.#skipped, refused }
    emit(onEvent, { type: 'message', relay: relay.name, outcome, ...recipients, size })
  }
}

function outcomeFor(reply: Reply): MessageEnd['outcome'] {
  if (!isFailure(reply)) return 'accepted'
  return reply.code < 500 ? 'temporary' : 'permanent'
}

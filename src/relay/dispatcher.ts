import { randomUUID } from 'node:crypto'
import {
  type Client,
  type Host,
  type HostReply,
  isFailure,
  type MessageSink,
  type Reply,
  replies,
  reply,
  type Transaction,
} from '../protocol/index.ts'
import { type EventHandler, emit } from '../support/emit.ts'
import type { Content } from './content.ts'
import { type CallReport, DeliveryAgent, type DeliveryOptions } from './delivery.ts'
import { classify } from './errors/delivery-failure.ts'
import { toReplyText } from './errors/error-info.ts'
import type { Delivery, MessageEnd, MessageEvent } from './events.ts'
import { type Eviction, MemoryBudget, NoMemory, type Reservation, TooSlow } from './limits/memory-budget.ts'
import { RawContent } from './raw-content.ts'
import { receivedHeader } from './received-header.ts'
import { assertRelay, type Message, type Receipt, type Relay } from './relay.ts'

/** The settings of a dispatcher. */
export interface DispatcherOptions extends Omit<DeliveryOptions, 'onEvent'> {
  /** This server's host name, for the `Received` header. */
  readonly hostname: string
  /** The name of the service, for the `Received` header. */
  readonly service: string
  /** The memory that all messages share. Without limit if left out. */
  readonly budget?: MemoryBudget
  /** The time of day; the system's if left out. */
  readonly now?: () => Date
  /**
   * Returns the network of an address, because a client that has one address of a network can use all of them. What is
   * remembered of a client that has not logged in is stored under its network, or under its address if this is left out.
   */
  readonly rateLimitKey?: (address: string) => string
}

/** What all messages of a dispatcher have in common. */
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
 * Creates the part of a host that receives messages and delivers them to a backend.
 * @throws TypeError that says what is wrong with the backend
 */
export function dispatcher(
  relay: Relay,
  options: DispatcherOptions,
  onEvent: EventHandler<MessageEvent> | undefined,
): Required<Pick<Host, 'message'>> {
  assertRelay(relay)
  const {
    hostname,
    service,
    budget = noBudget,
    now = () => new Date(),
    rateLimitKey = address => address,
  } = options
  const deliveryAgent = new DeliveryAgent(relay, { ...options, onEvent })
  const context: DispatcherContext = {
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
      const sink = new RelaySink(context, transaction, client)
      return sink.open()?.then(() => sink.earlyRejection() ?? sink) ?? sink
    },
  }
}

/**
 * Returns the most memory, in bytes, that a message of the largest size needs.
 * @param messageBytes the largest size that a client may send
 * @throws TypeError that says what is wrong with the backend
 */
export function worstCaseBytes(relay: Relay, messageBytes: number): number {
  assertRelay(relay)
  return contentFor(relay).memoryBytesWith(messageBytes + maxReceivedBytes)
}

/** An upper bound of the bytes of a `Received` header. */
const maxReceivedBytes = 4096
const noBudget = new MemoryBudget({
  totalBytes: Number.POSITIVE_INFINITY,
  largestBytes: Number.POSITIVE_INFINITY,
  maxWaitMs: 0,
})
const evictionErrors: Readonly<Record<Eviction, () => NoMemory | TooSlow>> = {
  slow: () => new TooSlow(),
  share: () => new NoMemory("the client's address holds more than its share of the memory, and others wait"),
}

function contentFor(relay: Relay): Content {
  return relay.content?.() ?? new RawContent()
}

/** Receives the content of one message, then has it delivered. */
class RelaySink implements MessageSink {
  readonly #context: DispatcherContext
  readonly #client: Client
  readonly #message: Omit<Message, 'content' | 'size'>
  readonly #header: Buffer
  /** The memory for the content. */
  readonly #reservation: Reservation
  /** `undefined` after the message was passed on, rejected or discarded. */
  #content: Content | undefined
  /** The reply if the message is rejected, although its content may still be arriving. */
  #rejection: Reply | undefined
  /** The number of recipients for which the backend has accepted the message. */
  #accepted = 0
  /** The number of recipients that have the message from an earlier attempt. */
  #skipped = 0

  constructor(context: DispatcherContext, transaction: Transaction, client: Client) {
    const { hostname, service, now } = context
    this.#context = context
    this.#client = client
    // Without duplicates: each recipient gets the message once.
    const recipients = [...new Set(transaction.recipients.map(({ address }) => address))]
    const utf8 = transaction.sender.parameters.has('SMTPUTF8')
    const id = randomUUID()
    this.#header = Buffer.from(
      receivedHeader({ client, recipients, utf8, hostname, service, id, time: now() }),
    )
    this.#message = { id, sender: transaction.sender.address, recipients, headerBytes: this.#header.length }
    this.#content = contentFor(context.relay)
    // Last, because nothing would release the reservation if a function of the backend threw after it.
    this.#reservation = context.budget.open(client.address, reason => this.#reject(evictionErrors[reason]()))
  }

  /**
   * Stores the `Received` header. The content follows after that. If it fails, the message is discarded here, because the
   * session does not have the sink yet.
   */
  open(): Promise<void> | undefined {
    try {
      return this.write(this.#header)?.catch(error => this.#discardAndThrow(error))
    } catch (error) {
      return this.#discardAndThrow(error)
    }
  }

  write(bytes: Buffer): Promise<void> | undefined {
    if (this.#content === undefined) return undefined
    const room = this.#reservation.resize(this.#content.memoryBytesWith(bytes.length), bytes.length)
    if (room !== true)
      return room.then(granted => (granted ? this.#append(bytes) : this.#reject(new NoMemory())))
    this.#append(bytes)
    return undefined
  }

  /** Returns the reply if there is no memory even for the header. The message ends with it. */
  earlyRejection(): Reply | undefined {
    if (this.#rejection !== undefined) this.#emitEnd(this.#rejection)
    return this.#rejection
  }

  async deliver(): Promise<HostReply> {
    const content = this.#content
    this.#content = undefined
    if (content === undefined) return this.#emitEnd(this.#rejection ?? replies.localError)
    const { size } = content
    try {
      content.finish()
      // The content may need more memory now than before, because its last bytes were encoded.
      const room = this.#reservation.resize(content.memoryBytes)
      if (room !== true && !(await room)) return this.#emitEnd(this.#emitRejection(new NoMemory()), size)
      this.#reservation.complete()
      const message: Message = { ...this.#message, content, size }
      const onCall = (call: CallReport) => {
        if (call.skipped !== undefined) this.#skipped += call.to.length
        else if (call.error === undefined) this.#accepted += call.to.length
        this.#emitDelivery({ size, ...call })
      }
      const isGone = () => this.#client.gone === true
      const result = await this.#context.deliveryAgent.deliver(message, this.#clientKey(), onCall, isGone)
      return this.#emitEnd(result.type === 'delivered' ? acceptedReply(result.receipt) : result.reply, size)
    } catch (error) {
      // The content of an application's own backend may throw.
      return this.#emitEnd(classify(error).reply, size)
    } finally {
      this.#reservation.release()
    }
  }

  discard(): void {
    this.#release()
    this.#emitMessage('aborted', 0, 0)
  }

  #discardAndThrow(error: unknown): never {
    this.discard()
    throw error
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

  /** Rejects the message for lack of memory. Its remaining content is dropped, and the client gets the reply at its end. */
  #reject(error: NoMemory | TooSlow): void {
    if (this.#content === undefined) return
    this.#release()
    this.#rejection = this.#emitRejection(error)
  }

  /** Emits why the message is rejected, and returns the reply. */
  #emitRejection(error: NoMemory | TooSlow): Reply {
    const rejected = error instanceof TooSlow ? 'slow' : 'memory'
    const { reply, logText } = classify(error)
    this.#emitDelivery({ to: this.#message.recipients, error: logText, rejected })
    return reply
  }

  /** Identifies the client in what is remembered of its messages: its user if it has logged in, otherwise its network. */
  #clientKey(): string {
    const { user, address } = this.#client
    return user === undefined ? `network ${this.#context.rateLimitKey(address)}` : `user ${user}`
  }

  #emitDelivery(
    details: Pick<Delivery, 'to' | 'error' | 'skipped' | 'rejected' | 'size' | 'durationMs' | 'messageId'>,
  ): void {
    const { onEvent, relay, now } = this.#context
    const { address: ip, user } = this.#client
    const origin = { ip, from: this.#message.sender, relay: relay.name, ...(user !== undefined && { user }) }
    emit(onEvent, { type: 'delivery', time: now(), ...origin, ...details })
  }

  /** Emits that the message has ended with this reply, and returns the reply. */
  #emitEnd(reply: Reply, size = 0): Reply {
    const refused = isFailure(reply) ? this.#message.recipients.length - this.#accepted - this.#skipped : 0
    this.#emitMessage(outcomeOf(reply), refused, size)
    return reply
  }

  #emitMessage(outcome: MessageEnd['outcome'], refused: number, size: number): void {
    const { onEvent, relay } = this.#context
    const recipients = { accepted: this.#accepted, skipped: this.#skipped, refused }
    emit(onEvent, { type: 'message', relay: relay.name, outcome, ...recipients, size })
  }
}

function acceptedReply({ messageId }: Receipt): Reply {
  return messageId === undefined ? replies.delivered : reply(250, '2.0.0', `Ok ${toReplyText(messageId)}`)
}

function outcomeOf(reply: Reply): MessageEnd['outcome'] {
  if (!isFailure(reply)) return 'accepted'
  return reply.code < 500 ? 'temporary' : 'permanent'
}

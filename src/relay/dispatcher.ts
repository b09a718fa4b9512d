import { randomUUID } from 'node:crypto'
import type { Transaction, Verdict } from '../protocol/events.ts'
import type { Client, Host, MessageSink } from '../protocol/host.ts'
import { replies } from '../protocol/replies.ts'
import { type Reply, refuses, reply } from '../protocol/reply.ts'
import { tell, type Witness } from '../protocol/witness.ts'
import { Budget, type Eviction, NoMemory, type Share, TooSlow } from './budget.ts'
import type { Content } from './content.ts'
import { type Call, Courier, type Manner } from './courier.ts'
import type { Delivery, MailEvent, MessageEnd } from './delivery.ts'
import { refusal } from './failures.ts'
import { describe, oneLine } from './fault.ts'
import { RawContent } from './raw-content.ts'
import { assertRelay, type Mail, type Relay } from './relay.ts'
import { received } from './trace.ts'

/** What the dispatcher goes by. */
export interface Rules extends Omit<Manner, 'witness'> {
  /** The name this server goes by, for the `Received` header. */
  readonly hostname: string
  /** The name of the service, for the same. */
  readonly service: string
  /** The memory that mails share; without limit if left out. */
  readonly budget?: Budget
  /** The time of day; the system's if left out. */
  readonly now?: () => Date
  /**
   * Returns the network of an address; a client that has one address of a network can use all of them. What is remembered
   * of a client that has not logged in belongs to its network; to its address if this is left out.
   */
  readonly networkOf?: (address: string) => string
}

/** What all mails of a dispatcher share. */
interface Office {
  readonly relay: Relay
  readonly courier: Courier
  readonly budget: Budget
  readonly hostname: string
  readonly service: string
  readonly now: () => Date
  readonly networkOf: (address: string) => string
  readonly witness: Witness<MailEvent> | undefined
}

/**
 * The part of the host that takes mails and gives them to a backend.
 * @throws TypeError with a sentence where the backend cannot be one
 */
export function dispatcher(
  relay: Relay,
  rules: Rules,
  witness: Witness<MailEvent> | undefined,
): Required<Pick<Host, 'message'>> {
  assertRelay(relay)
  const {
    hostname,
    service,
    budget = endless,
    now = () => new Date(),
    networkOf = address => address,
  } = rules
  const courier = new Courier(relay, { ...rules, witness })
  const office: Office = { relay, courier, budget, hostname, service, now, networkOf, witness }
  return {
    message(transaction, client) {
      const dispatch = new Dispatch(office, transaction, client)
      return dispatch.begin()?.then(() => dispatch.refusedAtOnce() ?? dispatch) ?? dispatch
    },
  }
}

/**
 * The most memory that a mail takes which is as large as the server allows.
 * @param messageBytes what a client may send
 * @throws TypeError as `dispatcher`
 */
export function largestHold(relay: Relay, messageBytes: number): number {
  assertRelay(relay)
  return contentFor(relay).heldWith(messageBytes + mostHeaderBytes)
}

/** No `Received` header is longer. */
const mostHeaderBytes = 4096
const endless = new Budget({
  totalBytes: Number.POSITIVE_INFINITY,
  largestBytes: Number.POSITIVE_INFINITY,
  patienceMs: 0,
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
class Dispatch implements MessageSink {
  readonly #office: Office
  readonly #client: Client
  readonly #mail: Omit<Mail, 'content' | 'size'>
  readonly #header: Buffer
  /** The memory that the content takes. */
  readonly #share: Share
  /** `undefined` once the mail was handed on or given up. */
  #content: Content | undefined
  /** Why the mail is not taken, although it may still be coming. */
  #refused: Reply | undefined
  /** Recipients that the backend took it for. */
  #accepted = 0
  /** Recipients that have it from an earlier attempt. */
  #skipped = 0

  constructor(office: Office, transaction: Transaction, client: Client) {
    const { hostname, service, now } = office
    this.#office = office
    this.#client = client
    // Without duplicates: each recipient gets the message once.
    const recipients = [...new Set(transaction.recipients.map(({ address }) => address))]
    const utf8 = transaction.sender.parameters.has('SMTPUTF8')
    const id = randomUUID()
    this.#header = Buffer.from(received({ client, recipients, utf8, hostname, service, id, time: now() }))
    this.#mail = { id, sender: transaction.sender.address, recipients, headerBytes: this.#header.length }
    this.#content = contentFor(office.relay)
    // Last: what a backend throws must not leave a share behind that nobody gives back.
    this.#share = office.budget.open(client.address, why => this.#refuse(evicted[why]()))
  }

  /** Afterwards content may come. What its keeping throws is the end of the mail: nobody else could give it up. */
  begin(): Promise<void> | undefined {
    try {
      return this.write(this.#header)?.catch(fault => this.#giveUp(fault))
    } catch (fault) {
      return this.#giveUp(fault)
    }
  }

  write(bytes: Buffer): Promise<void> | undefined {
    if (this.#content === undefined) return undefined
    const room = this.#share.resize(this.#content.heldWith(bytes.length), bytes.length)
    if (room !== true)
      return room.then(granted => (granted ? this.#keep(bytes) : this.#refuse(new NoMemory())))
    this.#keep(bytes)
    return undefined
  }

  /** The reply to a mail for which there is no memory before any of it has come. It ends with that. */
  refusedAtOnce(): Reply | undefined {
    if (this.#refused !== undefined) this.#end(this.#refused)
    return this.#refused
  }

  async deliver(): Promise<Verdict> {
    const content = this.#content
    this.#content = undefined
    if (content === undefined) return this.#end(this.#refused ?? replies.localError)
    const { size } = content
    try {
      content.finish()
      // What was still to be encoded may take more than before.
      const room = this.#share.resize(content.heldBytes)
      if (room !== true && !(await room)) throw this.#noMemory(new NoMemory())
      this.#share.complete()
      const mail: Mail = { ...this.#mail, content, size }
      const onCall = (call: Call) => {
        if (call.skipped !== undefined) this.#skipped += call.to.length
        else if (call.error === undefined) this.#accepted += call.to.length
        this.#tell({ size, ...call })
      }
      const isGone = () => this.#client.gone === true
      const { messageId } = await this.#office.courier.deliver(mail, this.#owner(), onCall, isGone)
      const consent =
        messageId === undefined ? replies.delivered : reply(250, '2.0.0', `Ok ${oneLine(messageId)}`)
      return this.#end(consent, size)
    } catch (error) {
      return this.#end(refusal(error), size)
    } finally {
      this.#share.release()
    }
  }

  discard(): void {
    this.#letGo()
    this.#conclude('abandoned', 0, 0)
  }

  #giveUp(fault: unknown): never {
    this.discard()
    throw fault
  }

  #letGo(): void {
    this.#content = undefined
    this.#share.release()
  }

  #keep(bytes: Buffer): void {
    const content = this.#content
    if (content === undefined) return
    content.add(bytes)
    this.#share.resize(content.heldBytes)
  }

  /** There is no memory for it: what still comes of it is let go, and its client hears of it at the end. */
  #refuse(error: NoMemory | TooSlow): void {
    if (this.#content === undefined) return
    this.#letGo()
    this.#refused = refusal(this.#noMemory(error))
  }

  /** Reports that the message is refused for this reason. Returns the reason. */
  #noMemory(error: NoMemory | TooSlow): Error {
    const rejected = error instanceof TooSlow ? 'slow' : 'memory'
    this.#tell({ to: this.#mail.recipients, error: describe(error), rejected })
    return error
  }

  /** Names the client for what is remembered of its messages: its user if it has logged in, else its network. */
  #owner(): string {
    const { user, address } = this.#client
    return user === undefined ? `network ${this.#office.networkOf(address)}` : `user ${user}`
  }

  #tell(what: Pick<Delivery, 'to' | 'error' | 'skipped' | 'rejected' | 'size' | 'ms' | 'messageId'>): void {
    const { witness, relay, now } = this.#office
    const { address: ip, user } = this.#client
    const who = { ip, from: this.#mail.sender, relay: relay.name, ...(user !== undefined && { user }) }
    tell(witness, { type: 'delivery', time: now(), ...who, ...what })
  }

  /** Tells that the mail ended with this reply, and gives it back. */
  #end(reply: Reply, size = 0): Reply {
    const refused = refuses(reply) ? this.#mail.recipients.length - this.#accepted - this.#skipped : 0
    this.#conclude(outcomeFor(reply), refused, size)
    return reply
  }

  #conclude(outcome: MessageEnd['outcome'], refused: number, size: number): void {
    const { witness, relay } = this.#office
    const recipients = { accepted: this.#accepted, skipped: this.#skipped, refused }
    tell(witness, { type: 'message', relay: relay.name, outcome, ...recipients, size })
  }
}

function outcomeFor(reply: Reply): MessageEnd['outcome'] {
  if (!refuses(reply)) return 'accepted'
  return reply.code < 500 ? 'temporary' : 'permanent'
}

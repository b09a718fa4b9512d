import { format, replies, type SessionSettings } from '../protocol/index.ts'
import { type EventHandler, emit } from '../support/emit.ts'
import type { CloseReason, ConnectionEvent } from './connection-events.ts'

/** What some of the engine's replies mean beyond their code: which limit was met, or why the session ends with them. */
type Meaning = { readonly limit: 'size' | 'recipients' } | { readonly outcome: CloseReason }

/** Who watches the connections of a server, and what they have to know. */
export class ReplyClassifier {
  readonly witness: EventHandler<ConnectionEvent>
  readonly #meanings: ReadonlyMap<string, Meaning>

  constructor(witness: EventHandler<ConnectionEvent>, { hostname, service, limits }: SessionSettings) {
    this.witness = witness
    this.#meanings = new Map<string, Meaning>([
      [format(replies.tooLarge(limits.messageBytes)), { limit: 'size' }],
      [format(replies.tooManyRecipients), { limit: 'recipients' }],
      [format(replies.farewell(hostname, service)), { outcome: 'quit' }],
      [format(replies.silentTooLong(hostname)), { outcome: 'timeout' }],
      [format(replies.shuttingDown(hostname)), { outcome: 'shutdown' }],
      [format(replies.overloaded(hostname)), { outcome: 'overload' }],
      [format(replies.tooEarly), { outcome: 'errors' }],
    ])
  }

  meaningOf(reply: string): Meaning | undefined {
    return this.#meanings.get(reply)
  }
}

/** Tells of one connection, from its opening to its end. */
export class ConnectionObserver {
  readonly #audience: ReplyClassifier
  readonly #address: string
  readonly #begunAt = performance.now()
  #tls: 'none' | 'starttls' | 'implicit'
  #replies = 0
  /** What the latest reply says of the end, if that is the end. */
  #last: CloseReason | undefined
  #outcome: CloseReason | undefined

  constructor(audience: ReplyClassifier, address: string, implicitTls: boolean) {
    this.#audience = audience
    this.#address = address
    this.#tls = implicitTls ? 'implicit' : 'none'
    emit(audience.witness, { type: 'opened', address })
  }

  secured(protocol: string, cipher: string): void {
    if (this.#tls === 'none') this.#tls = 'starttls'
    emit(this.#audience.witness, { type: 'secured', address: this.#address, protocol, cipher })
  }

  /** @param output replies, each of them whole */
  said(output: string): void {
    for (const text of repliesIn(output)) {
      const code = Number(text.slice(0, 3))
      // Most replies are a simple yes.
      const meaning = code === 250 ? undefined : this.#audience.meaningOf(text)
      const limit = meaning !== undefined && 'limit' in meaning ? meaning.limit : undefined
      this.#last = meaning !== undefined && 'outcome' in meaning ? meaning.outcome : undefined
      // A client that is not welcome may still say QUIT.
      if (this.#replies++ === 0 && code >= 400) this.ends(this.#last ?? 'refused')
      emit(this.#audience.witness, { type: 'replied', address: this.#address, code, text, limit })
    }
  }

  /** The server has said its last word. */
  closed(): void {
    this.ends(this.#last ?? 'errors')
  }

  /** Why it ends; the first cause counts. */
  ends(outcome: CloseReason): void {
    this.#outcome ??= outcome
  }

  /** The connection is gone. */
  over(): void {
    const outcome = this.#outcome ?? 'hangup'
    const ms = performance.now() - this.#begunAt
    emit(this.#audience.witness, { type: 'ended', address: this.#address, tls: this.#tls, outcome, ms })
  }
}

/** Each with all of its lines and line ends. */
function* repliesIn(output: string): Generator<string> {
  for (let start = 0; start < output.length; ) {
    let line = start
    while (output[line + 3] === '-') line = output.indexOf('\n', line) + 1
    const end = output.indexOf('\n', line) + 1
    yield output.slice(start, end)
    start = end
  }
}

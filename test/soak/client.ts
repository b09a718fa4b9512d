import { setTimeout as sleep } from 'node:timers/promises'
import { Late } from '../program/deadline.ts'
import { Random } from '../program/random.ts'
import { type HeardReply, Wire } from '../transport/wire.ts'
import type { Attempt, Books, Ending, Entry, Life } from './books.ts'
import type { Leaving } from './mails.ts'
import type { Program } from './program.ts'

/** How a client goes about it. */
export interface Habit {
  readonly name: string
  /** Clients of a hundred that have it. */
  readonly share: number
  readonly tls: 'none' | 'starttls' | 'implicit'
  readonly mailsPerConnection: number
  /** Says the envelope, and DATA, in one go. */
  readonly pipelining?: boolean
  /** BDAT in the place of DATA. */
  readonly chunking?: boolean
}

/** What kinds of clients there are. */
export const habits: readonly Habit[] = [
  { name: 'keeps its connection', share: 25, tls: 'none', mailsPerConnection: Number.POSITIVE_INFINITY },
  { name: 'connects for each mail', share: 15, tls: 'none', mailsPerConnection: 1 },
  { name: 'pipelines', share: 20, tls: 'none', mailsPerConnection: 100, pipelining: true },
  { name: 'sends chunks', share: 12, tls: 'none', mailsPerConnection: 50, chunking: true },
  { name: 'pipelines under STARTTLS', share: 14, tls: 'starttls', mailsPerConnection: 30, pipelining: true },
  { name: 'has TLS from the first byte', share: 14, tls: 'implicit', mailsPerConnection: 15 },
]

/** How long a client waits for the reply to a mail; longer than the program may take. */
const replyMs = 90_000

/** One client: sends a mail at a time, on connections as its habit is. */
export class Client {
  readonly #habit: Habit
  readonly #books: Books
  readonly #program: Program
  readonly #random: Random
  readonly #name: string
  #wire: Wire | undefined
  #connection = ''
  #life: Life
  #connections = 0
  #mails = 0

  constructor(name: string, habit: Habit, books: Books, program: Program, seed: number) {
    this.#name = name
    this.#habit = habit
    this.#books = books
    this.#program = program
    this.#random = new Random(seed)
    this.#life = program.life
  }

  /** Tries to send a mail. `undefined` if there was nobody to talk to; true if the mail is settled. */
  async send(entry: Entry, content: Buffer): Promise<boolean | undefined> {
    const wire = await this.#connected()
    if (wire === undefined) return undefined
    const attempt = this.#books.begin(entry, this.#connection, this.#life)
    // Who has left once has had enough of it.
    const leaving = entry.attempts.length === 1 ? entry.plan.leaving : undefined
    const ending = await this.#try(wire, entry, attempt, content, leaving)
    const settled = this.#books.end(entry, attempt, ending)
    this.#mails++
    const lasts = ending.type === 'reply' && ending.code !== 421 && !wire.ended
    if (!lasts) this.#drop()
    else if (ending.code >= 400 && (await hear(() => wire.ask('RSET')))?.code !== 250) this.#drop()
    else if (this.#mails >= this.#habit.mailsPerConnection) await this.quit()
    return settled
  }

  /** Says goodbye. */
  async quit(): Promise<void> {
    const wire = this.#wire
    if (wire !== undefined) await hear(() => wire.ask('QUIT'))
    this.#drop()
  }

  #drop(): void {
    this.#wire?.vanish()
    this.#wire = undefined
  }

  /** A connection that has been greeted; `undefined` if the program is not there, or about to leave. */
  async #connected(): Promise<Wire | undefined> {
    if (this.#wire !== undefined && !this.#wire.ended) return this.#wire
    this.#drop()
    const { tls } = this.#habit
    const implicit = tls === 'implicit'
    this.#connection = `${this.#name}-${++this.#connections}.test`
    this.#life = this.#program.life
    this.#mails = 0
    let wire: Wire | undefined
    let late = false
    const greeted = await hear(
      async () => {
        wire = await Wire.connect(this.#program.portFor(implicit), { tls: implicit })
        const greeting = await wire.reply('connecting')
        if (greeting.code !== 220) return greeting
        const hello = await wire.ask(`EHLO ${this.#connection}`)
        if (tls !== 'starttls' || hello.code !== 250) return hello
        await wire.startTls()
        return await wire.ask(`EHLO ${this.#connection}`)
      },
      () => (late = wire !== undefined),
    )
    if (late) {
      this.#books.note({ type: 'unanswered', text: `${this.#connection} was connected, and heard nothing` })
    }
    if (greeted?.code !== 250) {
      wire?.vanish()
      return undefined
    }
    // When the program has closed its half there is nothing to stay for.
    wire!.socket.once('end', () => wire!.vanish())
    this.#wire = wire
    return wire
  }

  async #try(
    wire: Wire,
    { plan }: Entry,
    attempt: Attempt,
    content: Buffer,
    leaving: Leaving | undefined,
  ): Promise<Ending> {
    const { pipelining = false, chunking = false } = this.#habit
    const envelope = [`MAIL FROM:<${plan.sender}>`, ...plan.recipients.map(to => `RCPT TO:<${to}>`)]
    if (leaving === 'in the envelope') {
      wire.say(`${envelope.slice(0, 1 + this.#random.below(envelope.length)).join('\r\n')}\r\n`)
      return this.#leave(wire)
    }
    const refused = await this.#say(wire, [...envelope, ...(chunking ? [] : ['DATA'])], pipelining)
    if (refused !== undefined) return refused
    const said = chunking ? content : stuffed(content)
    if (leaving === 'in the content') {
      const part = said.subarray(0, this.#random.below(said.length))
      if (chunking) wire.say(`BDAT ${said.length} LAST\r\n`)
      await hear(() => wire.put(part))
      return this.#leave(wire)
    }
    if (chunking) {
      const pieces = 1 + this.#random.below(4)
      const size = Math.ceil(said.length / pieces)
      for (let at = 0; at + size < said.length; at += size) {
        wire.say(chunk(said.subarray(at, at + size)))
        const reply = await hear(() => wire.reply('BDAT'))
        if (reply?.code !== 250) return endingOf(reply)
      }
      const last = said.subarray(size * Math.floor((said.length - 1) / size))
      attempt.finished = true
      wire.say(chunk(last, ' LAST'))
    } else {
      attempt.finished = true
      wire.say(said)
    }
    if (leaving === 'before the reply') {
      await hear(() => wire.put(''))
      await sleep(this.#random.below(20))
      return this.#leave(wire)
    }
    let late = false
    const reply = await hear(
      () => wire.reply('the end of the mail', replyMs),
      () => (late = true),
    )
    return late ? { type: 'silence' } : endingOf(reply)
  }

  /** The reply that is not as it should be, if there is one. */
  async #say(wire: Wire, lines: readonly string[], atOnce: boolean): Promise<Ending | undefined> {
    if (atOnce) wire.say(`${lines.join('\r\n')}\r\n`)
    let refused: Ending | undefined
    for (const line of lines) {
      if (!atOnce) wire.say(`${line}\r\n`)
      const reply = await hear(() => wire.reply(line))
      const wanted = line === 'DATA' ? 354 : 250
      if (reply?.code === wanted) continue
      refused ??= endingOf(reply)
      // What was said at once is answered to its end, unless the connection is over.
      if (!atOnce || reply === undefined || reply.code === 421) return refused
    }
    return refused
  }

  #leave(wire: Wire): Ending {
    if (this.#random.below(2) === 0) wire.reset()
    else wire.vanish()
    return { type: 'left' }
  }
}

function endingOf(reply: HeardReply | undefined): Ending {
  return reply === undefined ? { type: 'broken' } : { type: 'reply', code: reply.code, text: reply.text }
}

/** In one write: the kernel would hold the second one back until the first is acknowledged. */
function chunk(bytes: Buffer, last = ''): Buffer {
  return Buffer.concat([Buffer.from(`BDAT ${bytes.length}${last}\r\n`), bytes])
}

/** As it goes over the wire, its final dot included (RFC 5321 section 4.5.2). */
function stuffed(content: Buffer): Buffer {
  return Buffer.from(`${content.toString('latin1').replaceAll('\r\n.', '\r\n..')}.\r\n`, 'latin1')
}

/** What was heard; `undefined` if the connection came to its end first, or the patience: then `late` is called. */
async function hear<T>(listen: () => Promise<T>, late: () => void = () => {}): Promise<T | undefined> {
  try {
    return await listen()
  } catch (error) {
    if (error instanceof Late) late()
    return undefined
  }
}

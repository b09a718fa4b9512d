import { setTimeout as sleep } from 'node:timers/promises'
import { DeadlineError } from '../support/deadline.ts'
import type { Random } from '../support/random.ts'
import type { ReceivedReply, SmtpClient } from '../support/smtp-client.ts'
import type { Habit } from './habits.ts'
import type { Leaving, Plan } from './mails.ts'
import type { Attempt, Ending } from './record.ts'

/** How long a client waits for the reply to a mail; longer than the program may take. */
const replyMs = 90_000

/** How a client sends a mail on a connection that has been greeted. */
export class Dialogue {
  readonly #habit: Habit
  readonly #random: Random

  constructor(habit: Habit, random: Random) {
    this.#habit = habit
    this.#random = random
  }

  /** Says it all, and hears what becomes of it; or leaves where that is planned. */
  async send(
    wire: SmtpClient,
    plan: Plan,
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
    const last = chunking ? await this.#sayChunks(wire, said) : said
    if (!Buffer.isBuffer(last)) return last
    attempt.finished = true
    wire.say(last)
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
  async #say(wire: SmtpClient, lines: readonly string[], atOnce: boolean): Promise<Ending | undefined> {
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

  /** Says all chunks but the last one, and gives that; or how it ended with one of them. */
  async #sayChunks(wire: SmtpClient, content: Buffer): Promise<Buffer | Ending> {
    const pieces = 1 + this.#random.below(4)
    const size = Math.ceil(content.length / pieces)
    let at = 0
    for (; at + size < content.length; at += size) {
      wire.say(chunk(content.subarray(at, at + size)))
      const reply = await hear(() => wire.reply('BDAT'))
      if (reply?.code !== 250) return endingOf(reply)
    }
    return chunk(content.subarray(at), ' LAST')
  }

  #leave(wire: SmtpClient): Ending {
    if (this.#random.below(2) === 0) wire.reset()
    else wire.vanish()
    return { type: 'left' }
  }
}

function endingOf(reply: ReceivedReply | undefined): Ending {
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
export async function hear<T>(listen: () => Promise<T>, late: () => void = () => {}): Promise<T | undefined> {
  try {
    return await listen()
  } catch (error) {
    if (error instanceof DeadlineError) late()
    return undefined
  }
}

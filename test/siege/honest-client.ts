import { setTimeout as sleep } from 'node:timers/promises'
import type { RelayProcess } from '../support/relay-process.ts'
import { type ReceivedReply, SmtpClient } from '../support/smtp-client.ts'
import { contentOf, type Message, type Messages } from './messages.ts'

/** How a client that does nothing wrong connects. */
export interface Habit {
  readonly from: string
  readonly tls: 'none' | 'STARTTLS' | 'implicit'
  /** One connection for all messages, as long as it lasts; otherwise one for each. */
  readonly keeps: boolean
}

const retryMs = 250
/** A reply may take the time of a call to SES and --max-wait. */
const replyMs = 60_000

class Refused extends Error {}

/** Sends one message after the other, each of them until it is accepted. */
export class HonestClient {
  readonly #habit: Habit
  readonly #relay: RelayProcess
  readonly #messages: Messages
  #wire: SmtpClient | undefined

  constructor(habit: Habit, relay: RelayProcess, messages: Messages) {
    this.#habit = habit
    this.#relay = relay
    this.#messages = messages
  }

  /** @param signal ends it, whether the message is accepted or not */
  async send(message: Message, signal: AbortSignal): Promise<void> {
    while (message.acceptedAt === undefined && !signal.aborted) {
      try {
        await this.#attempt(message)
        message.acceptedAt = performance.now()
      } catch (error) {
        this.leave()
        if (signal.aborted) return
        this.#messages.refused(error instanceof Refused ? error.message : reasonOf(error as Error))
        await sleep(retryMs)
      }
    }
    if (!this.#habit.keeps) this.leave()
  }

  leave(): void {
    this.#wire?.vanish()
    this.#wire = undefined
  }

  async #attempt(message: Message): Promise<void> {
    if (this.#wire?.ended) this.leave()
    this.#wire ??= await this.#connect()
    const wire = this.#wire
    const say = async (line: string, code: number) => expect(await ask(wire, line), code)
    await say('MAIL FROM:<honest@example.org>', 250)
    await say('RCPT TO:<friend@example.org>', 250)
    await say('DATA', 354)
    wire.say(Buffer.concat([contentOf(message.number), Buffer.from('.\r\n')]))
    let reply: ReceivedReply
    try {
      reply = await wire.reply('the message', replyMs)
    } catch (error) {
      message.doubtful = true
      throw error
    }
    expect(reply, 250)
  }

  async #connect(): Promise<SmtpClient> {
    const { from, tls } = this.#habit
    const implicit = tls === 'implicit'
    const wire = await SmtpClient.connect(implicit ? this.#relay.tlsPort : this.#relay.port, {
      from,
      tls: implicit,
    })
    this.#wire = wire
    expect(await wire.reply('connecting', replyMs), 220)
    expect(await ask(wire, 'EHLO honest.test'), 250)
    if (tls === 'STARTTLS') {
      await wire.startTls()
      expect(await ask(wire, 'EHLO honest.test'), 250)
    }
    return wire
  }
}

function ask(wire: SmtpClient, line: string): Promise<ReceivedReply> {
  wire.say(`${line}\r\n`)
  return wire.reply(line, replyMs)
}

function expect({ code, text }: ReceivedReply, expected: number): void {
  if (code !== expected) throw new Refused(text.split('\n').at(-1))
}

function reasonOf({ message, code }: NodeJS.ErrnoException): string {
  return code ?? message.split(';')[0]!
}

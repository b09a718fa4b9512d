import { setTimeout as sleep } from 'node:timers/promises'
import type { RelayProcess } from '../support/relay-process.ts'
import { type ReceivedReply, SmtpClient } from '../support/smtp-client.ts'
import { contentOf, type Message, type Messages } from './messages.ts'

/** How a well-behaved client connects. */
export interface ConnectionOptions {
  readonly from: string
  readonly tls: 'none' | 'STARTTLS' | 'implicit'
  /** Use one connection for all messages instead of a new one for each. */
  readonly keepsConnection: boolean
}

const retryMs = 250
/** A reply may take the time of a call to SES and --max-wait. */
const replyMs = 60_000

class RejectedError extends Error {}

/** A well-behaved client. It sends one message after the other, and retries each until it is accepted. */
export class HonestClient {
  readonly #options: ConnectionOptions
  readonly #relay: RelayProcess
  readonly #messages: Messages
  #connection: SmtpClient | undefined

  constructor(options: ConnectionOptions, relay: RelayProcess, messages: Messages) {
    this.#options = options
    this.#relay = relay
    this.#messages = messages
  }

  /** Sends a message until it is accepted. @param signal stops the retries */
  async send(message: Message, signal: AbortSignal): Promise<void> {
    while (message.acceptedAt === undefined && !signal.aborted) {
      try {
        await this.#attempt(message)
        message.acceptedAt = performance.now()
      } catch (error) {
        this.disconnect()
        if (signal.aborted) return
        this.#messages.refused(error instanceof RejectedError ? error.message : reasonOf(error as Error))
        await sleep(retryMs)
      }
    }
    if (!this.#options.keepsConnection) this.disconnect()
  }

  disconnect(): void {
    this.#connection?.vanish()
    this.#connection = undefined
  }

  async #attempt(message: Message): Promise<void> {
    if (this.#connection?.ended) this.disconnect()
    this.#connection ??= await this.#connect()
    const connection = this.#connection
    const send = async (line: string, code: number) => expect(await ask(connection, line), code)
    await send('MAIL FROM:<honest@example.org>', 250)
    await send('RCPT TO:<friend@example.org>', 250)
    await send('DATA', 354)
    connection.say(Buffer.concat([contentOf(message.number), Buffer.from('.\r\n')]))
    let reply: ReceivedReply
    try {
      reply = await connection.reply('the message', replyMs)
    } catch (error) {
      message.doubtful = true
      throw error
    }
    expect(reply, 250)
  }

  async #connect(): Promise<SmtpClient> {
    const { from, tls } = this.#options
    const implicit = tls === 'implicit'
    const connection = await SmtpClient.connect(implicit ? this.#relay.tlsPort : this.#relay.port, {
      from,
      tls: implicit,
    })
    this.#connection = connection
    expect(await connection.reply('connecting', replyMs), 220)
    expect(await ask(connection, 'EHLO honest.test'), 250)
    if (tls === 'STARTTLS') {
      await connection.startTls()
      expect(await ask(connection, 'EHLO honest.test'), 250)
    }
    return connection
  }
}

function ask(connection: SmtpClient, line: string): Promise<ReceivedReply> {
  connection.say(`${line}\r\n`)
  return connection.reply(line, replyMs)
}

function expect({ code, text }: ReceivedReply, expected: number): void {
  if (code !== expected) throw new RejectedError(text.split('\n').at(-1))
}

function reasonOf({ message, code }: NodeJS.ErrnoException): string {
  return code ?? message.split(';')[0]!
}

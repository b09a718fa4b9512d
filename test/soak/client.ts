import { Random } from '../support/random.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import type { ClientBehaviour } from './client-behaviour.ts'
import type { Ledger } from './ledger.ts'
import type { Entry, ProcessRun } from './ledger-entry.ts'
import type { Program } from './program.ts'
import { TransactionSender, tryReply } from './transaction.ts'

/** A client that sends one message at a time, with connections according to its behaviour. */
export class Client {
  readonly #behaviour: ClientBehaviour
  readonly #ledger: Ledger
  readonly #program: Program
  readonly #sender: TransactionSender
  readonly #name: string
  #connection: SmtpClient | undefined
  #connectionName = ''
  #processRun: ProcessRun
  #connections = 0
  #messages = 0

  constructor(name: string, behaviour: ClientBehaviour, ledger: Ledger, program: Program, seed: number) {
    this.#name = name
    this.#behaviour = behaviour
    this.#ledger = ledger
    this.#program = program
    this.#sender = new TransactionSender(behaviour, new Random(seed))
    this.#processRun = program.processRun
  }

  /** Tries to send a message. Returns undefined without a connection, and true after a final reply. */
  async send(entry: Entry, content: Buffer): Promise<boolean | undefined> {
    const connection = await this.#connected()
    if (connection === undefined) return undefined
    const attempt = this.#ledger.startAttempt(entry, this.#connectionName, this.#processRun)
    // A client disconnects only in its first attempt.
    const disconnects = entry.attempts.length === 1 ? entry.plan.disconnects : undefined
    const ending = await this.#sender.send(connection, entry.plan, attempt, content, disconnects)
    const settled = this.#ledger.endAttempt(entry, attempt, ending)
    this.#messages++
    const staysOpen = ending.type === 'reply' && ending.code !== 421 && !connection.ended
    if (!staysOpen) this.#disconnect()
    else if (ending.code >= 400 && (await tryReply(() => connection.ask('RSET')))?.code !== 250)
      this.#disconnect()
    else if (this.#messages >= this.#behaviour.messagesPerConnection) await this.quit()
    return settled
  }

  /** Sends QUIT and disconnects. */
  async quit(): Promise<void> {
    const connection = this.#connection
    if (connection !== undefined) await tryReply(() => connection.ask('QUIT'))
    this.#disconnect()
  }

  #disconnect(): void {
    this.#connection?.vanish()
    this.#connection = undefined
  }

  /** Returns a connection after EHLO, or undefined if the program does not accept one. */
  async #connected(): Promise<SmtpClient | undefined> {
    if (this.#connection !== undefined && !this.#connection.ended) return this.#connection
    this.#disconnect()
    const { tls } = this.#behaviour
    const implicit = tls === 'implicit'
    this.#connectionName = `${this.#name}-${++this.#connections}.test`
    this.#processRun = this.#program.processRun
    this.#messages = 0
    let connection: SmtpClient | undefined
    let timedOut = false
    const hello = await tryReply(
      async () => {
        connection = await SmtpClient.connect(this.#program.portFor(implicit), { tls: implicit })
        const greeting = await connection.reply('connecting')
        if (greeting.code !== 220) return greeting
        const hello = await connection.ask(`EHLO ${this.#connectionName}`)
        if (tls !== 'starttls' || hello.code !== 250) return hello
        await connection.startTls()
        return await connection.ask(`EHLO ${this.#connectionName}`)
      },
      () => (timedOut = connection !== undefined),
    )
    if (timedOut) {
      this.#ledger.addFinding({
        type: 'unanswered',
        text: `${this.#connectionName} was connected, and got no reply`,
      })
    }
    if (hello?.code !== 250) {
      connection?.vanish()
      return undefined
    }
    // Disconnects when the program closes its side.
    connection!.socket.once('end', () => connection!.vanish())
    this.#connection = connection
    return connection
  }
}

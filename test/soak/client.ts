import { Random } from '../support/random.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import type { Books } from './books.ts'
import { Dialogue, hear } from './dialogue.ts'
import type { Habit } from './habits.ts'
import type { Program } from './program.ts'
import type { Entry, Life } from './record.ts'

/** One client: sends a mail at a time, on connections as its habit is. */
export class Client {
  readonly #habit: Habit
  readonly #books: Books
  readonly #program: Program
  readonly #dialogue: Dialogue
  readonly #name: string
  #wire: SmtpClient | undefined
  #connection = ''
  #life: Life
  #connections = 0
  #mails = 0

  constructor(name: string, habit: Habit, books: Books, program: Program, seed: number) {
    this.#name = name
    this.#habit = habit
    this.#books = books
    this.#program = program
    this.#dialogue = new Dialogue(habit, new Random(seed))
    this.#life = program.life
  }

  /** Tries to send a mail. `undefined` if there was nobody to talk to; true if the mail is settled. */
  async send(entry: Entry, content: Buffer): Promise<boolean | undefined> {
    const wire = await this.#connected()
    if (wire === undefined) return undefined
    const attempt = this.#books.begin(entry, this.#connection, this.#life)
    // Who has left once has had enough of it.
    const leaving = entry.attempts.length === 1 ? entry.plan.leaving : undefined
    const ending = await this.#dialogue.send(wire, entry.plan, attempt, content, leaving)
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
  async #connected(): Promise<SmtpClient | undefined> {
    if (this.#wire !== undefined && !this.#wire.ended) return this.#wire
    this.#drop()
    const { tls } = this.#habit
    const implicit = tls === 'implicit'
    this.#connection = `${this.#name}-${++this.#connections}.test`
    this.#life = this.#program.life
    this.#mails = 0
    let wire: SmtpClient | undefined
    let late = false
    const greeted = await hear(
      async () => {
        wire = await SmtpClient.connect(this.#program.portFor(implicit), { tls: implicit })
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
}

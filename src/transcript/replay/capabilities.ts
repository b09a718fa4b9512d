import { type Remote, Wire } from '../wire.ts'
import { type HeardReply, ReplyReader } from './reply-reader.ts'

/** What a reply to EHLO lists: keywords in capitals, each with what stands behind it. */
export type Extensions = ReadonlyMap<string, string>

/** What a server says that it can. */
export interface Capabilities {
  /** As the connection begins: under TLS where that is up from the first byte. */
  readonly first: Extensions
  /** Behind STARTTLS; nothing where that is not offered, or does not work. */
  readonly secured: Extensions | undefined
  /** How long the slowest reply took. */
  readonly replyMs: number
}

/** Asks a server what it can. Rejects, with a sentence, where it cannot be asked. */
export async function readCapabilities(
  remote: Remote,
  implicitTls: boolean,
  patienceMs: number,
): Promise<Capabilities> {
  const call = new Call(remote, patienceMs)
  try {
    await call.connect()
    if (implicitTls) await call.secure()
    await call.hear('the greeting', 220)
    const first = extensionsIn(await call.ask('EHLO client.test', 250))
    const offersTls = !implicitTls && first.has('STARTTLS')
    const secured = offersTls ? await askSecured(call) : undefined
    call.say('QUIT')
    return { first, secured, replyMs: call.replyMs }
  } finally {
    call.end()
  }
}

/** Where STARTTLS does not work, each transcript that uses it will tell. */
async function askSecured(call: Call): Promise<Extensions | undefined> {
  try {
    await call.ask('STARTTLS', 220)
    await call.secure()
    return extensionsIn(await call.ask('EHLO client.test', 250))
  } catch {
    return undefined
  }
}

/** The keywords in the lines of a reply to EHLO. */
export function extensionsIn({ lines }: Pick<HeardReply, 'lines'>): Extensions {
  const rows = lines.slice(1).map(line => /^([\w-]+)[ =]?(.*)$/.exec(line.slice(4)))
  return new Map(rows.flatMap(row => (row === null ? [] : [[row[1]!.toUpperCase(), row[2]!] as const])))
}

class Call {
  readonly #remote: Remote
  readonly #patienceMs: number
  readonly #reader = new ReplyReader()
  #wire: Wire | undefined
  #onChange: (() => void) | undefined
  replyMs = 0

  constructor(remote: Remote, patienceMs: number) {
    this.#remote = remote
    this.#patienceMs = patienceMs
  }

  async connect(): Promise<void> {
    this.#wire = await Wire.connect(this.#remote, () => this.#onChange?.())
  }

  async secure(): Promise<void> {
    if (await this.#wire!.secure(this.#patienceMs)) return
    throw new Error(`TLS does not come up: ${this.#wire!.fault ?? 'no handshake in time'}`)
  }

  say(line: string): void {
    this.#wire!.send(Buffer.from(`${line}\r\n`))
  }

  async ask(line: string, code: number): Promise<HeardReply> {
    const begin = performance.now()
    this.say(line)
    const reply = await this.hear(`a reply to ${line}`, code)
    this.replyMs = Math.max(this.replyMs, performance.now() - begin)
    return reply
  }

  async hear(what: string, code: number): Promise<HeardReply> {
    const wire = this.#wire!
    const reply = await new Promise<HeardReply | undefined>(resolve => {
      const timer = setTimeout(() => resolve(undefined), this.#patienceMs)
      this.#onChange = () => {
        if (!this.#reader.full) this.#reader.feed(wire.takeText())
        if (this.#reader.size === 0 && !wire.closed) return
        clearTimeout(timer)
        resolve(this.#reader.take())
      }
      this.#onChange()
    })
    this.#onChange = undefined
    if (reply?.code === code) return reply
    const got = reply?.lines.at(-1)?.slice(0, 200)
    const instead = got ?? (wire.closed ? 'the end of the connection' : `nothing for ${this.#patienceMs} ms`)
    throw new Error(`${what} should be ${code}; there was ${instead}`)
  }

  end(): void {
    this.#wire?.end()
    this.#wire?.destroy()
  }
}

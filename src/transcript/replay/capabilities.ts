import { ClientConnection, type RemoteServer } from '../client-connection.ts'
import { type ParsedReply, ReplyReader } from './reply-reader.ts'

/** The extensions in a reply to EHLO: keywords in capitals, each with its parameters. */
export type Extensions = ReadonlyMap<string, string>

/** The extensions that a server offers. */
export interface Capabilities {
  /** At the start of the connection, which uses TLS if that starts with the first byte. */
  readonly initial: Extensions
  /** After STARTTLS. Undefined if that is not offered or does not work. */
  readonly afterStartTls: Extensions | undefined
  /** Duration of the slowest reply, in milliseconds. */
  readonly replyMs: number
}

/** Asks a server for its extensions. Rejects with an Error for users if the server cannot be reached or refuses. */
export async function readCapabilities(
  server: RemoteServer,
  implicitTls: boolean,
  timeoutMs: number,
): Promise<Capabilities> {
  const probe = new CapabilityProbe(server, timeoutMs)
  try {
    await probe.connect()
    if (implicitTls) await probe.startTls()
    await probe.readReply('the greeting', 220)
    const initial = extensionsIn(await probe.command('EHLO client.test', 250))
    const offersTls = !implicitTls && initial.has('STARTTLS')
    const afterStartTls = offersTls ? await featuresAfterStartTls(probe) : undefined
    probe.send('QUIT')
    return { initial, afterStartTls, replyMs: probe.replyMs }
  } finally {
    probe.close()
  }
}

/** Returns undefined if STARTTLS does not work. Each transcript that uses it will then show the difference. */
async function featuresAfterStartTls(probe: CapabilityProbe): Promise<Extensions | undefined> {
  try {
    await probe.command('STARTTLS', 220)
    await probe.startTls()
    return extensionsIn(await probe.command('EHLO client.test', 250))
  } catch {
    return undefined
  }
}

/** Returns the extensions in the lines of a reply to EHLO. */
export function extensionsIn({ lines }: Pick<ParsedReply, 'lines'>): Extensions {
  const rows = lines.slice(1).map(line => /^([\w-]+)[ =]?(.*)$/.exec(line.slice(4)))
  return new Map(rows.flatMap(row => (row === null ? [] : [[row[1]!.toUpperCase(), row[2]!] as const])))
}

class CapabilityProbe {
  readonly #server: RemoteServer
  readonly #timeoutMs: number
  readonly #reader = new ReplyReader()
  #connection: ClientConnection | undefined
  #onChange: (() => void) | undefined
  replyMs = 0

  constructor(server: RemoteServer, timeoutMs: number) {
    this.#server = server
    this.#timeoutMs = timeoutMs
  }

  async connect(): Promise<void> {
    this.#connection = await ClientConnection.connect(this.#server, () => this.#onChange?.())
  }

  async startTls(): Promise<void> {
    if (await this.#connection!.startTls(this.#timeoutMs)) return
    throw new Error(`TLS failed: ${this.#connection!.lastError ?? 'the handshake timed out'}`)
  }

  send(line: string): void {
    this.#connection!.send(Buffer.from(`${line}\r\n`))
  }

  async command(line: string, code: number): Promise<ParsedReply> {
    const begin = performance.now()
    this.send(line)
    const reply = await this.readReply(`a reply to ${line}`, code)
    this.replyMs = Math.max(this.replyMs, performance.now() - begin)
    return reply
  }

  async readReply(what: string, code: number): Promise<ParsedReply> {
    const connection = this.#connection!
    const reply = await new Promise<ParsedReply | undefined>(resolve => {
      const timer = setTimeout(() => resolve(undefined), this.#timeoutMs)
      this.#onChange = () => {
        if (!this.#reader.isFull) this.#reader.feed(connection.takeText())
        if (this.#reader.replyCount === 0 && !connection.closed) return
        clearTimeout(timer)
        resolve(this.#reader.take())
      }
      this.#onChange()
    })
    this.#onChange = undefined
    if (reply?.code === code) return reply
    const got = reply?.lines.at(-1)?.slice(0, 200)
    const instead =
      got ?? (connection.closed ? 'the end of the connection' : `no reply within ${this.#timeoutMs} ms`)
    throw new Error(`${what} should be ${code}, got ${instead}`)
  }

  close(): void {
    this.#connection?.end()
    this.#connection?.destroy()
  }
}

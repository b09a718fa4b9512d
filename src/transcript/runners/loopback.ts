import { type Certificate, defaultTimeouts, Server, secureContext } from '../../transport/index.ts'
import { ClientConnection } from '../client-connection.ts'
import type { Conditions } from '../conditions.ts'
import { type DriverEvent, isIgnored, type Line } from '../line.ts'
import type { Transcript } from '../notation.ts'
import { mergeLines, stepsOf, type TranscriptStep } from '../steps.ts'
import { ScriptedHost } from './scripted-host.ts'

/** What `overLoopback` needs besides the transcript. */
export interface LoopbackOptions {
  /** A self-signed certificate for `relay.test`. */
  readonly certificate: Certificate
  /** Longest wait for anything that the transcript says, in milliseconds. */
  readonly timeoutMs: number
  /** Duration of each `* silence` in milliseconds, in place of the one in the transcript. */
  readonly silenceMs: number
}

/**
 * Plays a transcript with a server and a client on real sockets, with real TLS. Each step waits until it has seen as
 * many replies, questions and bytes of content as the transcript has.
 *
 * The order of replies and questions is taken from the transcript, because a client cannot see it. An upgrade to TLS is
 * proven by the handshake that follows. If plaintext follows the 220 instead, the server treats it as a failed
 * handshake and closes without a reply.
 */
export async function overLoopback(
  transcript: Transcript,
  conditions: Conditions,
  options: LoopbackOptions,
): Promise<Transcript> {
  const run = new LoopbackRun(stepsOf(transcript), conditions, options)
  return { ...transcript, lines: await run.run() }
}

interface PlayedStep {
  readonly step: TranscriptStep
  readonly replies: string[]
  readonly seen: Line[]
  /** True if the server closed the connection during this step. */
  readonly closed: boolean
  /** True if the server waited for a TLS handshake, so that it could not reply. */
  readonly awaitsHandshake: boolean
}

class LoopbackRun {
  readonly #steps: readonly TranscriptStep[]
  readonly #conditions: Conditions
  readonly #options: LoopbackOptions
  readonly #server: Server
  readonly #host = new ScriptedHost(() => this.#changed())
  #onChange: (() => void) | undefined
  #closing: Promise<void> | undefined
  /** Shorter after the first wait that timed out, so that a failing transcript does not take minutes. */
  #waitMs: number

  constructor(steps: readonly TranscriptStep[], conditions: Conditions, options: LoopbackOptions) {
    this.#steps = steps
    this.#conditions = conditions
    this.#options = options
    this.#waitMs = options.timeoutMs
    const context = secureContext(options.certificate)
    const silenceMs = steps.some(step => step.trigger.type === 'silence')
      ? options.silenceMs
      : 10 * options.timeoutMs
    this.#server = new Server({
      settings: conditions.settings,
      host: this.#host,
      timeouts: { ...defaultTimeouts, idleMs: silenceMs, handshakeMs: silenceMs, errorDelayMs: 1 },
      secureContext: () => context,
    })
  }

  async run(): Promise<Line[]> {
    const { secure } = this.#conditions.client
    const { port } = await this.#server.listen({ host: '127.0.0.1', port: 0, implicitTls: secure })
    const [first] = this.#steps
    if (first !== undefined) this.#host.startStep(first)
    const tls = { ca: this.#options.certificate.cert, servername: 'relay.test' }
    const server = { host: '127.0.0.1', port, tls, connectTimeoutMs: this.#options.timeoutMs }
    let connection: ClientConnection | undefined
    try {
      const connected = await ClientConnection.connect(server, () => this.#changed())
      connection = connected
      if (secure) await connection.startTls(this.#options.timeoutMs)
      const played: PlayedStep[] = []
      for (const step of this.#steps) played.push(await this.#play(step, connection))
      connection.end()
      await this.#until(() => connected.closed)
      played.at(-1)?.replies.push(...connection.takeLines())
      return played.flatMap(linesOf)
    } finally {
      connection?.destroy()
      // Close the server even if the client could not connect.
      await (this.#closing ?? this.#server.close(0))
    }
  }

  async #play(step: TranscriptStep, connection: ClientConnection): Promise<PlayedStep> {
    const wasClosed = connection.closed
    if (step !== this.#steps[0]) this.#host.startStep(step)
    if (step.trigger.type === 'chunk') connection.send(step.trigger.bytes)
    else if (step.trigger.type !== 'start') await this.#apply(step.trigger, connection)
    const awaitsHandshake = this.#followsUpgrade(step) && step.trigger.type === 'chunk'
    const replies = awaitsHandshake ? 0 : step.serverLines.filter(line => line.type === 'reply').length
    const closes = step.serverLines.some(isClose)
    await this.#until(
      () =>
        connection.lineCount >= replies &&
        this.#host.hasSeen(step.serverLines) &&
        (connection.closed || !closes),
    )
    const closed = connection.closed && !wasClosed
    return { step, replies: connection.takeLines(), seen: this.#host.takeLines(), closed, awaitsHandshake }
  }

  /** Returns true if the previous step ended with the upgrade to TLS. */
  #followsUpgrade(step: TranscriptStep): boolean {
    const last = this.#steps[this.#steps.indexOf(step) - 1]?.serverLines.findLast(line => !isIgnored(line))
    return last?.type === 'action' && last.name === 'upgrade'
  }

  async #apply(event: DriverEvent, connection: ClientConnection): Promise<void> {
    switch (event.type) {
      case 'secured':
        await connection.startTls(this.#options.timeoutMs)
        return
      case 'hangs up':
        return connection.end()
      case 'shuts down':
        this.#closing = this.#server.close(10 * this.#options.timeoutMs)
        return
      case 'cuts off':
        this.#closing = this.#server.close(0)
        return
      case 'silence':
      // The server's own timer ends the silence.
    }
  }

  #changed(): void {
    this.#onChange?.()
  }

  /** Waits until the condition is true, or the time is over. Anything still missing is then missing in the result. */
  #until(condition: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const finish = () => {
        clearTimeout(timer)
        this.#onChange = undefined
        resolve()
      }
      const giveUp = () => {
        this.#waitMs = this.#options.silenceMs
        finish()
      }
      const timer = setTimeout(giveUp, this.#waitMs)
      this.#onChange = () => {
        if (condition()) finish()
      }
      this.#changed()
    })
  }
}

function linesOf({ step, replies, seen, closed, awaitsHandshake }: PlayedStep): Line[] {
  const remaining = replies.map((text): Line => ({ type: 'reply', text }))
  const closes = step.serverLines.some(isClose)
  const lines = step.serverLines
    .filter(line => !isIgnored(line))
    .flatMap(line => {
      if (line.type === 'reply') return awaitsHandshake ? [line] : remaining.splice(0, 1)
      if (line.type !== 'action' || line.name === 'discard') return seen.splice(0, 1)
      return line.name === 'close' && !closed ? [] : [line]
    })
  const unexpected: Line[] = closed && !closes && step.trigger.type !== 'hangs up' ? [close] : []
  return mergeLines(step, [...lines, ...remaining, ...seen, ...unexpected])
}

const close: Line = { type: 'action', name: 'close' }

function isClose(line: Line): boolean {
  return line.type === 'action' && line.name === 'close'
}

import { type Certificate, defaultTimeouts, Server, secureContext } from '../../transport/index.ts'
import type { Conditions } from '../conditions.ts'
import { type Happening, isSilent, type Line } from '../line.ts'
import type { Transcript } from '../notation.ts'
import { linesAfter, type Step, stepsOf } from '../steps.ts'
import { Wire } from '../wire.ts'
import { ScriptedHost } from './scripted-host.ts'

/** What a play over loopback needs besides the transcript. */
export interface LoopbackOptions {
  /** For `relay.test`, signed by itself. */
  readonly certificate: Certificate
  /** How long anything that the transcript says is waited for. */
  readonly waitMs: number
  /** How long `* silence` takes here, whatever it takes in the transcript. */
  readonly silenceMs: number
}

/**
 * Plays a transcript with a server and a client on real sockets, with real TLS. Each step waits for as much as the
 * transcript says. The order between replies and what the host sees is taken from the transcript: a client cannot
 * see it. That an upgrade came is seen in the handshake behind it. Where bytes come in the clear instead, after the
 * 220, the server takes them for a broken handshake: it closes, and cannot say why.
 */
export async function overLoopback(
  transcript: Transcript,
  conditions: Conditions,
  scene: LoopbackOptions,
): Promise<Transcript> {
  const play = new Play(stepsOf(transcript), conditions, scene)
  return { ...transcript, lines: await play.run() }
}

interface Played {
  readonly step: Step
  readonly replies: string[]
  readonly seen: Line[]
  /** The server closed during this step. */
  readonly closed: boolean
  /** The server was waiting for a handshake, and could say nothing. */
  readonly mute: boolean
}

class Play {
  readonly #steps: readonly Step[]
  readonly #conditions: Conditions
  readonly #scene: LoopbackOptions
  readonly #server: Server
  readonly #cast = new ScriptedHost(() => this.#changed())
  #onChange: (() => void) | undefined
  #closing: Promise<void> | undefined
  /** What did not come once is not waited for as long again. */
  #patienceMs: number

  constructor(steps: readonly Step[], conditions: Conditions, scene: LoopbackOptions) {
    this.#steps = steps
    this.#conditions = conditions
    this.#scene = scene
    this.#patienceMs = scene.waitMs
    const context = secureContext(scene.certificate)
    const silenceMs = steps.some(step => step.cue.type === 'silence') ? scene.silenceMs : 10 * scene.waitMs
    this.#server = new Server({
      settings: conditions.settings,
      host: this.#cast,
      timeouts: { ...defaultTimeouts, idleMs: silenceMs, handshakeMs: silenceMs, errorDelayMs: 1 },
      secureContext: () => context,
    })
  }

  async run(): Promise<Line[]> {
    const { secure } = this.#conditions.client
    const { port } = await this.#server.listen({ host: '127.0.0.1', port: 0, implicitTls: secure })
    const [first] = this.#steps
    if (first !== undefined) this.#cast.begin(first)
    const tls = { ca: this.#scene.certificate.cert, servername: 'relay.test' }
    const remote = { host: '127.0.0.1', port, tls, connectMs: this.#scene.waitMs }
    let wire: Wire | undefined
    try {
      const connected = await Wire.connect(remote, () => this.#changed())
      wire = connected
      if (secure) await wire.secure(this.#scene.waitMs)
      const played: Played[] = []
      for (const step of this.#steps) played.push(await this.#play(step, wire))
      wire.end()
      await this.#until(() => connected.closed)
      played.at(-1)?.replies.push(...wire.take())
      return played.flatMap(linesOf)
    } finally {
      wire?.destroy()
      // A client that could not connect in time must not leave a server behind.
      await (this.#closing ?? this.#server.close(0))
    }
  }

  async #play(step: Step, wire: Wire): Promise<Played> {
    const wasClosed = wire.closed
    if (step !== this.#steps[0]) this.#cast.begin(step)
    if (step.cue.type === 'chunk') wire.send(step.cue.bytes)
    else if (step.cue.type !== 'start') await this.#happen(step.cue, wire)
    const mute = this.#upgrades(step) && step.cue.type === 'chunk'
    const replies = mute ? 0 : step.outcome.filter(line => line.type === 'reply').length
    const closes = step.outcome.some(isClose)
    await this.#until(
      () => wire.lines >= replies && this.#cast.hasSeen(step.outcome) && (wire.closed || !closes),
    )
    const closed = wire.closed && !wasClosed
    return { step, replies: wire.take(), seen: this.#cast.take(), closed, mute }
  }

  /** The step before this one asked for TLS. */
  #upgrades(step: Step): boolean {
    const last = this.#steps[this.#steps.indexOf(step) - 1]?.outcome.findLast(line => !isSilent(line))
    return last?.type === 'notice' && last.name === 'upgrade'
  }

  async #happen(world: Happening, wire: Wire): Promise<void> {
    switch (world.type) {
      case 'secured':
        await wire.secure(this.#scene.waitMs)
        return
      case 'hangs up':
        return wire.end()
      case 'shuts down':
        this.#closing = this.#server.close(10 * this.#scene.waitMs)
        return
      case 'cuts off':
        this.#closing = this.#server.close(0)
        return
      case 'silence':
      // The server notices by itself.
    }
  }

  #changed(): void {
    this.#onChange?.()
  }

  /** Waits until something holds, but not for ever: what is missing then is missing in what was played. */
  #until(holds: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const settle = () => {
        clearTimeout(timer)
        this.#onChange = undefined
        resolve()
      }
      const lose = () => {
        this.#patienceMs = this.#scene.silenceMs
        settle()
      }
      const timer = setTimeout(lose, this.#patienceMs)
      this.#onChange = () => {
        if (holds()) settle()
      }
      this.#changed()
    })
  }
}

function linesOf({ step, replies, seen, closed, mute }: Played): Line[] {
  const said = replies.map((text): Line => ({ type: 'reply', text }))
  const closes = step.outcome.some(isClose)
  const lines = step.outcome
    .filter(line => !isSilent(line))
    .flatMap(line => {
      if (line.type === 'reply') return mute ? [line] : said.splice(0, 1)
      if (line.type !== 'notice' || line.name === 'discard') return seen.splice(0, 1)
      return line.name === 'close' && !closed ? [] : [line]
    })
  const unforeseen: Line[] = closed && !closes && step.cue.type !== 'hangs up' ? [close] : []
  return linesAfter(step, [...lines, ...said, ...seen, ...unforeseen])
}

const close: Line = { type: 'notice', name: 'close' }

function isClose(line: Line): boolean {
  return line.type === 'notice' && line.name === 'close'
}

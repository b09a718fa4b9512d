import type { Transcript } from '../notation.ts'
import { type Step, stepsOf } from '../steps.ts'
import { type Remote, Wire } from '../wire.ts'
import { compare, type Difference, type StepOutcome } from './comparison.ts'
import { type Expectation, expectationOf, silenceMs } from './expectation.ts'
import { type HeardReply, ReplyReader } from './reply-reader.ts'

/** How a server is spoken to. */
export interface ReplayOptions {
  readonly remote: Remote
  /** TLS from the first byte. */
  readonly implicitTls: boolean
  /** How long anything that the transcript says is waited for. */
  readonly patienceMs: number
  /** How long is waited for what the transcript does not say. */
  readonly graceMs: number
}

/**
 * Plays the client's side of a transcript against a server, up to the first reply that differs: from there on the
 * client would say things that nobody has thought of. Rejects where no connection can be made.
 */
export async function playAgainst(transcript: Transcript, manner: ReplayOptions): Promise<StepOutcome> {
  const play = new Play(stepsOf(transcript), manner)
  return play.run()
}

/** Longer than this nobody waits for a server to close when all is said. */
const mostFarewellMs = 1000

class Play {
  readonly #steps: readonly Step[]
  readonly #manner: ReplayOptions
  readonly #reader = new ReplyReader()
  #wire: Wire | undefined
  #onChange: (() => void) | undefined
  #otherCode: Difference | undefined
  #hungUp = false

  constructor(steps: readonly Step[], manner: ReplayOptions) {
    this.#steps = steps
    this.#manner = manner
  }

  async run(): Promise<StepOutcome> {
    const wire = await Wire.connect(this.#manner.remote, () => this.#onChange?.())
    this.#wire = wire
    try {
      const difference = await this.#runOn(wire)
      if (difference !== undefined) return { type: 'differs', difference }
      if (this.#otherCode !== undefined) return { type: 'other code', difference: this.#otherCode }
      return { type: 'agrees' }
    } finally {
      wire.destroy()
    }
  }

  async #runOn(wire: Wire): Promise<Difference | undefined> {
    if (this.#manner.implicitTls && !(await wire.secure(this.#manner.patienceMs)))
      return { after: 'the connection', expected: 'TLS', got: faultOf(wire, 'no handshake') }
    for (const [index, step] of this.#steps.entries()) {
      const expected = expectationOf(step, this.#steps[index - 1])
      const fault = await this.#play(step, expected, step === this.#steps.at(-1))
      if (fault !== undefined) {
        wire.end()
        return { after: expected.after, ...fault }
      }
    }
    return this.#leave(wire)
  }

  /** Says nothing more. What the server says of its own accord then is one reply too many, unless it is a farewell. */
  async #leave(wire: Wire): Promise<Difference | undefined> {
    wire.end()
    await this.#until(() => wire.closed, Math.min(this.#manner.patienceMs, mostFarewellMs))
    const extra = this.#reader.take()
    if (extra === undefined || (extra.code !== undefined && Math.floor(extra.code / 100) === 4))
      return undefined
    return { after: 'the last line', expected: 'nothing more', got: textOf(extra) }
  }

  async #play(step: Step, expected: Expectation, isLast: boolean): Promise<Fault | undefined> {
    const wire = this.#wire!
    const { patienceMs, graceMs } = this.#manner
    const started = await this.#happen(step, wire)
    if (started !== undefined) return started
    const waitMs = patienceMs + (step.cue.type === 'silence' ? silenceMs(step.cue.text) : 0)
    await this.#until(() => this.#reader.size >= expected.replies.length || wire.closed, waitMs)
    for (const [index, reply] of expected.replies.entries()) {
      const fault = this.#compare(reply, place(index, expected.replies.length), expected.after)
      if (fault !== undefined) return fault
    }
    if (expected.closes) await this.#until(() => wire.closed || this.#reader.size > 0, patienceMs)
    else if (isLast || expected.mayStayMute || expected.mayGetMore)
      await this.#until(() => wire.closed || this.#reader.size > expected.optional.length, graceMs)
    return this.#lookForMore(expected, wire)
  }

  #compare(expected: HeardReply, place: string, after: string): Fault | undefined {
    const got = this.#reader.take()
    const fault = { expected: textOf(expected) + place, got: got === undefined ? this.#lack() : textOf(got) }
    const verdict = got === undefined ? 'different' : compare(expected, got)
    if (verdict === 'different') return fault
    if (verdict === 'other code') this.#otherCode ??= { after, ...fault }
    return undefined
  }

  #lookForMore(expected: Expectation, wire: Wire): Fault | undefined {
    const optional = [...expected.optional]
    for (let got = this.#reader.take(); got !== undefined; got = this.#reader.take()) {
      // An alert of TLS is no reply.
      if (expected.mayStayMute && got.code === undefined) continue
      const allowed = optional.shift()
      if (allowed === undefined) return { expected: 'no more replies', got: textOf(got) }
      if (compare(allowed, got) === 'different') return { expected: textOf(allowed), got: textOf(got) }
    }
    if (expected.closes && !wire.closed)
      return { expected: 'the server closes the connection', got: 'it stays open' }
    if (!expected.closes && wire.closed && !expected.mayStayMute && !this.#hungUp)
      return { expected: 'the connection stays open', got: 'the server closed it' }
    return undefined
  }

  /** What there is in place of a reply. */
  #lack(): string {
    const { unfinished } = this.#reader
    const why = this.#wire!.closed ? 'the server closed the connection' : 'no reply in time'
    return unfinished === '' ? why : `${why}, after a part of a reply: ${unfinished}`
  }

  async #happen({ cue }: Step, wire: Wire): Promise<Fault | undefined> {
    if (cue.type === 'chunk') wire.send(cue.bytes)
    if (cue.type === 'hangs up') {
      this.#hungUp = true
      wire.end()
    }
    if (cue.type === 'secured' && !(await wire.secure(this.#manner.patienceMs)))
      return { expected: 'TLS', got: faultOf(wire, 'no handshake in time') }
    return undefined
  }

  /** Waits until something holds, but not for ever. */
  #until(holds: () => boolean, ms: number): Promise<void> {
    return new Promise(resolve => {
      const settle = () => {
        clearTimeout(timer)
        this.#onChange = undefined
        resolve()
      }
      const timer = setTimeout(settle, ms)
      this.#onChange = () => {
        if (!this.#reader.full) this.#reader.feed(this.#wire!.takeText())
        if (holds()) settle()
      }
      this.#onChange()
    })
  }
}

type Fault = Omit<Difference, 'after'>

function place(index: number, total: number): string {
  return total > 1 ? ` (reply ${index + 1} of ${total})` : ''
}

function textOf({ lines, fault }: HeardReply): string {
  const text = lines.join('\n')
  return fault === undefined ? text : `${text} (${fault})`
}

function faultOf(wire: Wire, otherwise: string): string {
  return wire.fault ?? (wire.closed ? 'the server closed the connection' : otherwise)
}

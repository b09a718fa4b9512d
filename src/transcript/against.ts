import { type HeardReply, ReplyReader, repliesOf } from './heard.ts'
import { isSilent, type Line, printLine } from './line.ts'
import type { Transcript } from './notation.ts'
import { type Step, stepsOf } from './steps.ts'
import { compare, type Difference, type Outcome } from './verdict.ts'
import { type Remote, Wire } from './wire.ts'

/** How a server is spoken to. */
export interface Manner {
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
export async function playAgainst(transcript: Transcript, manner: Manner): Promise<Outcome> {
  const play = new Play(stepsOf(transcript), manner)
  return play.run()
}

/** Longer than this nobody waits for a server to close when all is said. */
const mostFarewellMs = 1000

/** What the transcript says of a step. */
interface Expectation {
  readonly replies: readonly HeardReply[]
  /** Replies that may come or not: a server that waits for a handshake need not say anything. */
  readonly optional: readonly HeardReply[]
  readonly mayStayMute: boolean
  readonly closes: boolean
}

class Play {
  readonly #steps: readonly Step[]
  readonly #manner: Manner
  readonly #reader = new ReplyReader()
  #wire: Wire | undefined
  #onChange: (() => void) | undefined
  #otherCode: Difference | undefined
  #hungUp = false

  constructor(steps: readonly Step[], manner: Manner) {
    this.#steps = steps
    this.#manner = manner
  }

  async run(): Promise<Outcome> {
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
      const last = this.#steps[index - 1]
      const fault = await this.#play(step, last, step === this.#steps.at(-1))
      if (fault !== undefined) {
        wire.end()
        return { after: cueOf(step, last), ...fault }
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

  async #play(step: Step, last: Step | undefined, isLast: boolean): Promise<Fault | undefined> {
    const wire = this.#wire!
    const { patienceMs, graceMs } = this.#manner
    const expected = expectationOf(step, last)
    const started = await this.#happen(step, wire)
    if (started !== undefined) return started
    const waitMs = patienceMs + (step.cue.type === 'silence' ? silenceMs(step.cue.text) : 0)
    await this.#until(() => this.#reader.size >= expected.replies.length || wire.closed, waitMs)
    for (const [index, reply] of expected.replies.entries()) {
      const fault = this.#compare(reply, place(index, expected.replies.length), cueOf(step, last))
      if (fault !== undefined) return fault
    }
    if (expected.closes) await this.#until(() => wire.closed || this.#reader.size > 0, patienceMs)
    else if (isLast || expected.mayStayMute || mayGetMore(step, expected))
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

function expectationOf(step: Step, last: Step | undefined): Expectation {
  const upgrade = step.outcome.findIndex(isUpgrade)
  const awaitsHandshake = step.cue.type === 'chunk' && last?.outcome.some(isUpgrade) === true
  const certain = awaitsHandshake ? [] : upgrade === -1 ? step.outcome : step.outcome.slice(0, upgrade)
  const uncertain = awaitsHandshake ? step.outcome : upgrade === -1 ? [] : step.outcome.slice(upgrade)
  const optional = repliesOf(uncertain.flatMap(textsOfReply))
  return {
    replies: repliesOf(certain.flatMap(textsOfReply)),
    optional,
    mayStayMute: awaitsHandshake || optional.length > 0,
    closes: certain.some(line => line.type === 'notice' && line.name === 'close'),
  }
}

/** A chunk of several lines may be taken for several commands, and a part of a line for a command. */
function mayGetMore({ cue }: Step, { replies }: Expectation): boolean {
  if (replies.length === 0) return true
  return cue.type === 'chunk' && cue.bytes.subarray(0, -2).some(byte => byte === 0x0d || byte === 0x0a)
}

function place(index: number, total: number): string {
  return total > 1 ? ` (reply ${index + 1} of ${total})` : ''
}

function isUpgrade(line: Line): boolean {
  return line.type === 'notice' && line.name === 'upgrade'
}

function textsOfReply(line: Line): string[] {
  return line.type === 'reply' ? [line.text] : []
}

/** The line that a reply belongs to. What it shows of a login stays out of reports: it may be somebody's. */
function cueOf(step: Step, last: Step | undefined): string {
  const lines = step.lead.filter(line => !isSilent(line)).map(printLine)
  const login = lines.find(line => /^C[:~] *AUTH\b/i.test(line))
  if (login !== undefined) return login.replace(/^(.. *AUTH +\S+) .*/is, '$1 ...')
  const challenged = last?.outcome.findLast(line => line.type === 'reply')?.text.startsWith('334')
  if (challenged && step.cue.type === 'chunk') return 'C: ... (a response to a challenge)'
  return lines.at(-1) ?? 'the connection'
}

function textOf({ lines, fault }: HeardReply): string {
  const text = lines.join('\n')
  return fault === undefined ? text : `${text} (${fault})`
}

function faultOf(wire: Wire, otherwise: string): string {
  return wire.fault ?? (wire.closed ? 'the server closed the connection' : otherwise)
}

/** How long a `* silence` line says. */
export function silenceMs(text: string): number {
  const [, count, unit] = /(\d+)([sm])$/.exec(text) ?? []
  return Number(count) * (unit === 'm' ? 60_000 : 1000)
}

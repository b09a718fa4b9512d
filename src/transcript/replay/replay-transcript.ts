import { ClientConnection, type RemoteServer } from '../client-connection.ts'
import type { Transcript } from '../notation.ts'
import { stepsOf, type TranscriptStep } from '../steps.ts'
import { compareReplies, type Difference, type ReplayOutcome } from './comparison.ts'
import { type Expectation, expectationOf, silenceMs } from './expectation.ts'
import { type ParsedReply, ReplyReader } from './reply-reader.ts'

/** How a transcript is replayed against a server. */
export interface ReplayOptions {
  readonly server: RemoteServer
  /** TLS from the first byte. */
  readonly implicitTls: boolean
  /** Longest wait for anything that the transcript says, in milliseconds. */
  readonly timeoutMs: number
  /** Wait for replies that the transcript does not have, in milliseconds. */
  readonly extraWaitMs: number
}

/**
 * Plays the client's side of a transcript against a server, up to the first reply that differs. After it, the client's
 * commands would no longer match the server's state. Rejects if the server cannot be connected to.
 */
export async function replayTranscript(
  transcript: Transcript,
  options: ReplayOptions,
): Promise<ReplayOutcome> {
  const run = new ReplayRun(stepsOf(transcript), options)
  return run.run()
}

/** Longest wait for the server to close after the last step, in milliseconds. */
const maxCloseWaitMs = 1000

class ReplayRun {
  readonly #steps: readonly TranscriptStep[]
  readonly #options: ReplayOptions
  readonly #reader = new ReplyReader()
  #connection: ClientConnection | undefined
  #onChange: (() => void) | undefined
  #otherCode: Difference | undefined
  #disconnected = false

  constructor(steps: readonly TranscriptStep[], options: ReplayOptions) {
    this.#steps = steps
    this.#options = options
  }

  async run(): Promise<ReplayOutcome> {
    const connection = await ClientConnection.connect(this.#options.server, () => this.#onChange?.())
    this.#connection = connection
    try {
      const difference = await this.#playAll(connection)
      if (difference !== undefined) return { type: 'differs', difference }
      if (this.#otherCode !== undefined) return { type: 'other code', difference: this.#otherCode }
      return { type: 'agrees' }
    } finally {
      connection.destroy()
    }
  }

  async #playAll(connection: ClientConnection): Promise<Difference | undefined> {
    if (this.#options.implicitTls && !(await connection.startTls(this.#options.timeoutMs)))
      return { after: 'the connection', expected: 'TLS', got: connectionError(connection, 'no handshake') }
    for (const [index, step] of this.#steps.entries()) {
      const expected = expectationOf(step, this.#steps[index - 1])
      const mismatch = await this.#play(step, expected, step === this.#steps.at(-1))
      if (mismatch !== undefined) {
        connection.end()
        return { after: expected.after, ...mismatch }
      }
    }
    return this.#endSession(connection)
  }

  /** Closes the client's side. A reply of the server after that is one too many, unless it is a 4xx such as 421. */
  async #endSession(connection: ClientConnection): Promise<Difference | undefined> {
    connection.end()
    await this.#until(() => connection.closed, Math.min(this.#options.timeoutMs, maxCloseWaitMs))
    const extra = this.#reader.take()
    if (extra === undefined || (extra.code !== undefined && Math.floor(extra.code / 100) === 4))
      return undefined
    return { after: 'the last line', expected: 'no more replies', got: textOf(extra) }
  }

  async #play(step: TranscriptStep, expected: Expectation, isLast: boolean): Promise<Mismatch | undefined> {
    const connection = this.#connection!
    const { timeoutMs, extraWaitMs } = this.#options
    const started = await this.#apply(step, connection)
    if (started !== undefined) return started
    const waitMs = timeoutMs + (step.trigger.type === 'silence' ? silenceMs(step.trigger.text) : 0)
    await this.#until(() => this.#reader.replyCount >= expected.replies.length || connection.closed, waitMs)
    for (const [index, reply] of expected.replies.entries()) {
      const mismatch = this.#compare(reply, positionText(index, expected.replies.length), expected.after)
      if (mismatch !== undefined) return mismatch
    }
    if (expected.closes) await this.#until(() => connection.closed || this.#reader.replyCount > 0, timeoutMs)
    else if (isLast || expected.mayBeSilent || expected.mayHaveExtraReplies)
      await this.#until(
        () => connection.closed || this.#reader.replyCount > expected.optional.length,
        extraWaitMs,
      )
    return this.#checkRemaining(expected, connection)
  }

  #compare(expected: ParsedReply, position: string, after: string): Mismatch | undefined {
    const got = this.#reader.take()
    const mismatch = {
      expected: textOf(expected) + position,
      got: got === undefined ? this.#missingReply() : textOf(got),
    }
    const match = got === undefined ? 'different' : compareReplies(expected, got)
    if (match === 'different') return mismatch
    if (match === 'other code') this.#otherCode ??= { after, ...mismatch }
    return undefined
  }

  #checkRemaining(expected: Expectation, connection: ClientConnection): Mismatch | undefined {
    const optional = [...expected.optional]
    for (let got = this.#reader.take(); got !== undefined; got = this.#reader.take()) {
      // Ignore a TLS alert: it is no reply.
      if (expected.mayBeSilent && got.code === undefined) continue
      const allowed = optional.shift()
      if (allowed === undefined) return { expected: 'no more replies', got: textOf(got) }
      if (compareReplies(allowed, got) === 'different') return { expected: textOf(allowed), got: textOf(got) }
    }
    if (expected.closes && !connection.closed)
      return { expected: 'the server closes the connection', got: 'it stays open' }
    if (!expected.closes && connection.closed && !expected.mayBeSilent && !this.#disconnected)
      return { expected: 'the connection stays open', got: 'the server closed it' }
    return undefined
  }

  /** Says what happened instead of a reply. */
  #missingReply(): string {
    const { unfinished } = this.#reader
    const reason = this.#connection!.closed
      ? 'the server closed the connection'
      : 'no reply before the timeout'
    return unfinished === '' ? reason : `${reason}, after a partial reply: ${unfinished}`
  }

  async #apply({ trigger }: TranscriptStep, connection: ClientConnection): Promise<Mismatch | undefined> {
    if (trigger.type === 'chunk') connection.send(trigger.bytes)
    if (trigger.type === 'hangs up') {
      this.#disconnected = true
      connection.end()
    }
    if (trigger.type === 'secured' && !(await connection.startTls(this.#options.timeoutMs)))
      return { expected: 'TLS', got: connectionError(connection, 'the handshake timed out') }
    return undefined
  }

  /** Waits until the condition is true, or for `ms` milliseconds. */
  #until(condition: () => boolean, ms: number): Promise<void> {
    return new Promise(resolve => {
      const finish = () => {
        clearTimeout(timer)
        this.#onChange = undefined
        resolve()
      }
      const timer = setTimeout(finish, ms)
      this.#onChange = () => {
        if (!this.#reader.isFull) this.#reader.feed(this.#connection!.takeText())
        if (condition()) finish()
      }
      this.#onChange()
    })
  }
}

type Mismatch = Omit<Difference, 'after'>

function positionText(index: number, total: number): string {
  return total > 1 ? ` (reply ${index + 1} of ${total})` : ''
}

function textOf({ lines, error }: ParsedReply): string {
  const text = lines.join('\n')
  return error === undefined ? text : `${text} (${error})`
}

function connectionError(connection: ClientConnection, fallback: string): string {
  return connection.lastError ?? (connection.closed ? 'the server closed the connection' : fallback)
}

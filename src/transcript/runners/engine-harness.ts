import { isQuestion, Session } from '../../protocol/index.ts'
import type { Conditions } from '../conditions.ts'
import type { Happening, Line } from '../line.ts'
import type { Step } from '../steps.ts'
import { HostScript } from './host-script.ts'
import { TranscriptWriter } from './transcript-writer.ts'

/** How a chunk reaches the session. */
export interface Chunking {
  /** The pieces that the chunk comes in. */
  readonly cut: (chunk: Buffer, number: number) => readonly Buffer[]
  /** Questions are answered when all of the chunk is there, not as soon as they are asked. */
  readonly lateAnswers: boolean
}

/** A session without sockets or clocks, and the host that a transcript describes. */
export class EngineHarness {
  readonly #session: Session
  readonly #record = new TranscriptWriter()
  #script: HostScript | undefined
  #chunks = 0
  /** A question is open, and its answer waits for the end of the chunk. */
  #waiting: (() => void) | undefined

  constructor(conditions: Conditions) {
    this.#session = new Session(conditions.settings, conditions.client)
  }

  /** Plays one step; returns what the server did, with the host's answers. */
  play(step: Step, passage: Chunking): Line[] {
    const script = new HostScript(step)
    this.#script = script
    switch (step.cue.type) {
      case 'start':
        this.#drain(false)
        break
      case 'chunk':
        for (const piece of passage.cut(step.cue.bytes, this.#chunks++)) {
          this.#session.receive(Buffer.from(piece))
          if (this.#waiting === undefined) this.#drain(passage.lateAnswers)
        }
        this.#waiting?.()
        break
      default:
        this.#happen(step.cue)
        this.#drain(false)
    }
    return [...this.#record.take(), ...script.rest()]
  }

  #happen(world: Happening): void {
    switch (world.type) {
      case 'secured':
        return this.#session.tlsEstablished()
      case 'silence':
        return this.#session.timeout()
      case 'hangs up':
        return this.#session.disconnected()
      case 'shuts down':
        return this.#session.drain()
      case 'cuts off':
        return this.#session.abort()
    }
  }

  #drain(lateAnswers: boolean): void {
    for (let event = this.#session.next(); event !== undefined; event = this.#session.next()) {
      this.#takeReplies()
      if (event.type === 'content') {
        this.#record.content(event.bytes)
        continue
      }
      // Where other connections get a turn is no part of the dialogue, and depends on how the bytes were cut.
      if (event.type === 'yield') continue
      if (!isQuestion(event)) {
        this.#record.notice(event.type)
        continue
      }
      this.#record.question(event)
      const answer = this.#script?.next(event.type)
      if (answer !== undefined) this.#record.answer(answer)
      if (lateAnswers) {
        this.#waiting = () => {
          this.#waiting = undefined
          this.#session.answer(answer?.reply)
          this.#drain(false)
        }
        return
      }
      this.#session.answer(answer?.reply)
    }
    this.#takeReplies()
  }

  #takeReplies(): void {
    this.#record.replies(this.#session.takeOutput())
  }
}

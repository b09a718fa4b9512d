import { isQuestion, Session } from '../../protocol/index.ts'
import type { Conditions } from '../conditions.ts'
import type { DriverEvent, Line } from '../line.ts'
import type { TranscriptStep } from '../steps.ts'
import { HostScript } from './host-script.ts'
import { TranscriptWriter } from './transcript-writer.ts'

/** How a chunk of client bytes is passed to the session. */
export interface Chunking {
  /** Splits the chunk with this number into the pieces that are passed one by one. */
  readonly cut: (chunk: Buffer, number: number) => readonly Buffer[]
  /** Answer a question only after the whole chunk has been passed, not as soon as it is asked. */
  readonly lateAnswers: boolean
}

/** Runs a session without sockets and clocks, with the host that a transcript describes. */
export class EngineHarness {
  readonly #session: Session
  readonly #writer = new TranscriptWriter()
  #script: HostScript | undefined
  #chunks = 0
  /** Answers the pending question. Set while a late answer waits for the end of the chunk. */
  #answerLate: (() => void) | undefined

  constructor(conditions: Conditions) {
    this.#session = new Session(conditions.settings, conditions.client)
  }

  /** Plays one step. Returns the lines of the server, with the host's answers. */
  play(step: TranscriptStep, chunking: Chunking): Line[] {
    const script = new HostScript(step)
    this.#script = script
    switch (step.trigger.type) {
      case 'start':
        this.#handleEvents(false)
        break
      case 'chunk':
        for (const piece of chunking.cut(step.trigger.bytes, this.#chunks++)) {
          this.#session.receive(Buffer.from(piece))
          if (this.#answerLate === undefined) this.#handleEvents(chunking.lateAnswers)
        }
        this.#answerLate?.()
        break
      default:
        this.#apply(step.trigger)
        this.#handleEvents(false)
    }
    return [...this.#writer.takeLines(), ...script.rest()]
  }

  #apply(event: DriverEvent): void {
    switch (event.type) {
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

  #handleEvents(lateAnswers: boolean): void {
    for (let event = this.#session.next(); event !== undefined; event = this.#session.next()) {
      this.#writeReplies()
      if (event.type === 'content') {
        this.#writer.content(event.bytes)
        continue
      }
      // A yield lets other connections run. Its place depends on how the bytes were split, so it has no line.
      if (event.type === 'yield') continue
      if (!isQuestion(event)) {
        this.#writer.action(event.type)
        continue
      }
      this.#writer.question(event)
      const answer = this.#script?.next(event.type)
      if (answer !== undefined) this.#writer.answer(answer)
      if (lateAnswers) {
        this.#answerLate = () => {
          this.#answerLate = undefined
          this.#session.answer(answer?.reply)
          this.#handleEvents(false)
        }
        return
      }
      this.#session.answer(answer?.reply)
    }
    this.#writeReplies()
  }

  #writeReplies(): void {
    this.#writer.replies(this.#session.takeOutput())
  }
}

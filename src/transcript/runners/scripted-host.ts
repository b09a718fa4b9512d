import type { Client, Host, MessageSink, Question, Reply, Transaction } from '../../protocol/index.ts'
import type { Line } from '../line.ts'
import type { TranscriptStep } from '../steps.ts'
import { HostScript } from './host-script.ts'
import { TranscriptWriter } from './transcript-writer.ts'

/** A host that answers as the transcript says, and records its questions and the content it receives. */
export class ScriptedHost implements Host {
  readonly #writer = new TranscriptWriter()
  readonly #onChange: () => void
  #script: HostScript | undefined
  #events = 0
  #bytes = 0

  /** @param onChange called after each question and each piece of content */
  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  /** Answers as this step says from now on. */
  startStep(step: TranscriptStep): void {
    this.#script = new HostScript(step)
    this.#events = 0
    this.#bytes = 0
  }

  /** Returns true once there were as many questions and as many bytes of content as in these lines. */
  hasSeen(lines: readonly Line[]): boolean {
    const bytes = lines.reduce((sum, line) => sum + (line.type === 'content' ? line.bytes.length : 0), 0)
    return this.#events >= lines.filter(isEvent).length && this.#bytes >= bytes
  }

  /** Returns the questions, answers and content since the last call, as lines. */
  takeLines(): Line[] {
    return [...this.#writer.takeLines(), ...(this.#script?.rest() ?? [])]
  }

  connect(): Reply | undefined {
    return this.#ask({ type: 'connect' })
  }

  login(question: Extract<Question, { type: 'login' }>): Reply | undefined {
    return this.#ask(question)
  }

  sender(question: Extract<Question, { type: 'sender' }>): Reply | undefined {
    return this.#ask(question)
  }

  recipient(question: Extract<Question, { type: 'recipient' }>): Reply | undefined {
    return this.#ask(question)
  }

  message(transaction: Transaction, _client: Client): MessageSink | Reply {
    const refusal = this.#ask({ type: 'message', transaction })
    if (refusal !== undefined) return refusal
    let size = 0
    return {
      write: bytes => {
        size += bytes.length
        this.#bytes += bytes.length
        this.#writer.content(bytes)
        this.#onChange()
      },
      deliver: () => this.#ask({ type: 'delivery', transaction, size }),
      discard: () => {
        this.#events += 1
        this.#writer.action('discard')
        this.#onChange()
      },
    }
  }

  #ask(question: Question): Reply | undefined {
    const answer = this.#script?.next(question.type)
    this.#writer.question(question)
    if (answer !== undefined) this.#writer.answer(answer)
    this.#events += 1
    this.#onChange()
    return answer?.reply
  }
}

function isEvent(line: Line): boolean {
  return line.type === 'question' || (line.type === 'action' && line.name === 'discard')
}

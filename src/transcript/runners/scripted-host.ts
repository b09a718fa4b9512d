import type { Client, Host, MessageSink, Question, Reply, Transaction } from '../../protocol/index.ts'
import type { Line } from '../line.ts'
import type { Step } from '../steps.ts'
import { HostScript } from './host-script.ts'
import { TranscriptWriter } from './transcript-writer.ts'

/** A host that answers what the transcript says, and writes down what it is asked and given. */
export class ScriptedHost implements Host {
  readonly #record = new TranscriptWriter()
  readonly #onChange: () => void
  #script: HostScript | undefined
  #events = 0
  #bytes = 0

  /** @param onChange called after everything that is written down */
  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  /** From now on, answers as this step says. */
  begin(step: Step): void {
    this.#script = new HostScript(step)
    this.#events = 0
    this.#bytes = 0
  }

  /** True when as much was asked and given as these lines have, cut differently perhaps. */
  hasSeen(lines: readonly Line[]): boolean {
    const bytes = lines.reduce((sum, line) => sum + (line.type === 'content' ? line.bytes.length : 0), 0)
    return this.#events >= lines.filter(isEvent).length && this.#bytes >= bytes
  }

  /** What was asked, answered and given since the last call. */
  take(): Line[] {
    return [...this.#record.take(), ...(this.#script?.rest() ?? [])]
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
        this.#record.content(bytes)
        this.#onChange()
      },
      deliver: () => this.#ask({ type: 'delivery', transaction, size }),
      discard: () => {
        this.#events += 1
        this.#record.notice('discard')
        this.#onChange()
      },
    }
  }

  #ask(question: Question): Reply | undefined {
    const answer = this.#script?.next(question.type)
    this.#record.question(question)
    if (answer !== undefined) this.#record.answer(answer)
    this.#events += 1
    this.#onChange()
    return answer?.reply
  }
}

function isEvent(line: Line): boolean {
  return line.type === 'question' || (line.type === 'notice' && line.name === 'discard')
}

import type { Credentials, Parameters, Question } from '../../protocol/index.ts'
import { piecesOf } from '../bytes.ts'
import type { ActionName, Line } from '../line.ts'

/** Writes down what a server does, as lines. However content was cut on its way, its lines are the same. */
export class TranscriptWriter {
  #lines: Line[] = []
  #content: Buffer[] = []

  /** Adds whole replies, as they go to the client. */
  replies(output: string): void {
    if (output === '') return
    this.#endContent()
    for (const text of output.replace(/\r\n$/, '').split('\r\n')) this.#lines.push({ type: 'reply', text })
  }

  question(question: Question): void {
    this.#endContent()
    this.#lines.push({ type: 'question', about: question.type, text: printQuestion(question) })
  }

  notice(name: ActionName): void {
    this.#endContent()
    this.#lines.push({ type: 'notice', name })
  }

  content(bytes: Buffer): void {
    this.#content.push(Buffer.from(bytes))
  }

  /** Adds a line of the host's. */
  answer(line: Line): void {
    this.#lines.push(line)
  }

  /** The lines since the last call. */
  take(): Line[] {
    this.#endContent()
    return this.#lines.splice(0)
  }

  #endContent(): void {
    const pieces = piecesOf(Buffer.concat(this.#content.splice(0)))
    for (const bytes of pieces) this.#lines.push({ type: 'content', bytes })
  }
}

/** A question as its line says it: `? recipient <b@x> NOTIFY=NEVER`. */
export function printQuestion(question: Question): string {
  switch (question.type) {
    case 'login':
      return `? login ${question.mechanism} ${printCredentials(question.credentials)}`
    case 'sender':
    case 'recipient':
      return `? ${question.type} <${question.address}>${printParameters(question.parameters)}`
    case 'delivery':
      return `? delivery ${question.size}`
    default:
      return `? ${question.type}`
  }
}

function printCredentials(credentials: Credentials): string {
  const name = printWord(credentials.username)
  if (credentials.type === 'digest') return `${name} ${credentials.digest.toString('hex')}`
  const acting =
    credentials.authorizationId === undefined ? '' : ` as ${printWord(credentials.authorizationId)}`
  return `${name} ${JSON.stringify(credentials.password)}${acting}`
}

function printWord(word: string): string {
  return /^[\w.@+-]+$/.test(word) ? word : JSON.stringify(word)
}

function printParameters(parameters: Parameters): string {
  return [...parameters].map(([name, value]) => (value === '' ? ` ${name}` : ` ${name}=${value}`)).join('')
}

import type { Credentials, Parameters, Question } from '../../protocol/index.ts'
import { splitContent } from '../bytes.ts'
import type { ActionName, Line } from '../line.ts'

/** Turns the actions of a server into lines. The lines do not depend on how content was split into events. */
export class TranscriptWriter {
  #lines: Line[] = []
  #content: Buffer[] = []

  /** Adds complete replies, as they are sent to the client. */
  replies(output: string): void {
    if (output === '') return
    this.#endContent()
    for (const text of output.replace(/\r\n$/, '').split('\r\n')) this.#lines.push({ type: 'reply', text })
  }

  question(question: Question): void {
    this.#endContent()
    this.#lines.push({ type: 'question', about: question.type, text: printQuestion(question) })
  }

  action(name: ActionName): void {
    this.#endContent()
    this.#lines.push({ type: 'action', name })
  }

  content(bytes: Buffer): void {
    this.#content.push(Buffer.from(bytes))
  }

  /** Adds a line of the host. */
  answer(line: Line): void {
    this.#lines.push(line)
  }

  /** Returns the lines since the last call. */
  takeLines(): Line[] {
    this.#endContent()
    return this.#lines.splice(0)
  }

  #endContent(): void {
    const pieces = splitContent(Buffer.concat(this.#content.splice(0)))
    for (const bytes of pieces) this.#lines.push({ type: 'content', bytes })
  }
}

/** Returns the line of a question, for example `? recipient <b@x> NOTIFY=NEVER`. */
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
  const name = quoteIfNeeded(credentials.username)
  if (credentials.type === 'digest') return `${name} ${credentials.digest.toString('hex')}`
  const actingAs =
    credentials.authorizationId === undefined ? '' : ` as ${quoteIfNeeded(credentials.authorizationId)}`
  return `${name} ${JSON.stringify(credentials.password)}${actingAs}`
}

function quoteIfNeeded(word: string): string {
  return /^[\w.@+-]+$/.test(word) ? word : JSON.stringify(word)
}

function printParameters(parameters: Parameters): string {
  return [...parameters].map(([name, value]) => (value === '' ? ` ${name}` : ` ${name}=${value}`)).join('')
}

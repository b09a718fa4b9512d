import { type Reply, reply } from '../protocol/index.ts'
import { parseBytes } from './bytes.ts'
import { actionNames, isIgnored, isServerLine, type Line, printLine, questionTypes } from './line.ts'

/** An SMTP dialogue in a text file, with the claim that it proves. */
export interface Transcript {
  /** The file it was read from, for error messages. */
  readonly file: string
  /** The claim that it proves. */
  readonly title: string
  /** The RFC and the section that the claim is based on. */
  readonly spec: string
  /** How server and client are set up, as `readConditions` parses it. `''` for the defaults. */
  readonly conditions: string
  /** All lines of the body in order, comments and blank lines included. */
  readonly lines: readonly Line[]
}

/** A syntax error in a transcript. The message is `file:line: reason`. */
export class NotationError extends Error {
  constructor(file: string, number: number, reason: string) {
    super(`${file}:${number}: ${reason}`)
    this.name = 'NotationError'
  }
}

/**
 * Parses the text of a `.smtp` file.
 *
 * @param file its name, for error messages
 * @throws NotationError if the text is not a valid transcript
 */
export function readTranscript(text: string, file: string): Transcript {
  const source = text.split('\n')
  if (source.pop() !== '')
    throw new NotationError(file, source.length + 1, 'the last line has no line ending')
  const header = readHeader(source, file)
  const first = header.size + 1
  let bytes = 0
  const lines = source.slice(first).map((text, index) => {
    try {
      const line = readLine(text)
      if ('bytes' in line) bytes += line.bytes.length
      if (bytes > maxBytes) throw new Error('more than 256 MiB in all')
      return line
    } catch (error) {
      throw new NotationError(file, first + index + 1, (error as Error).message)
    }
  })
  checkOrder(lines, (index, reason) => new NotationError(file, first + index + 1, reason))
  const [title = '', spec = '', conditions = ''] = headerNames.map(name => header.get(name))
  return { file, title, spec, conditions, lines }
}

/** Returns the text of a `.smtp` file. Reading that text gives the same transcript again. */
export function writeTranscript(transcript: Transcript): string {
  const { title, spec, conditions, lines } = transcript
  const header = [`Title: ${title}`, `Spec: ${spec}`, ...(conditions === '' ? [] : [`With: ${conditions}`])]
  return [...header, '', ...lines.map(printLine), ''].join('\n')
}

/** Limit of the bytes in all lines of a transcript. Repeats could make a short file produce more. */
const maxBytes = 256 * 1024 * 1024

const headerNames = ['Title', 'Spec', 'With']

function readHeader(source: readonly string[], file: string): Map<string, string> {
  const header = new Map<string, string>()
  for (const line of source) {
    if (line === '') break
    const [, name = '', value = ''] = /^(\w+): (\S.*)$/.exec(line) ?? []
    const wrong = !headerNames.includes(name) || header.has(name) || value.trimEnd() !== value
    if (wrong) throw new NotationError(file, header.size + 1, `not a header line: ${line}`)
    header.set(name, value)
  }
  for (const name of ['Title', 'Spec'])
    if (!header.has(name)) throw new NotationError(file, 1, `the header has no ${name}`)
  const order = headerNames.filter(name => header.has(name))
  if (order.join() !== [...header.keys()].join())
    throw new NotationError(file, 1, `the header lines must be in this order: ${order.join(', ')}`)
  return header
}

function readLine(text: string): Line {
  if (text === '') return { type: 'blank' }
  if (text === '|') return { type: 'split' }
  const [, mark = '', rest = ''] = /^(C:|C~|S:|M:|M~|!~|[#*!?>])(?: (.*))?$/s.exec(text) ?? []
  switch (mark) {
    case '#':
      return { type: 'remark', text }
    case 'C:':
      return { type: 'client', bytes: Buffer.from(`${rest}\r\n`), text }
    case 'C~':
      return { type: 'client', bytes: parseBytes(rest), text }
    case 'S:':
      return { type: 'reply', text: rest }
    case 'M:':
      return { type: 'content', bytes: Buffer.from(`${rest}\r\n`) }
    case 'M~':
      return { type: 'content', bytes: parseBytes(rest) }
    case '!':
      return { type: 'answer', reply: readAnswer(rest), text }
    case '!~':
      return { type: 'answer', reply: readAnswer(parseBytes(rest).toString('latin1')), text }
    case '?': {
      const about = questionTypes.find(type => rest === type || rest.startsWith(`${type} `))
      if (about === undefined) throw new Error(`unknown question: ${text}`)
      return { type: 'question', about, text }
    }
    case '>': {
      const name = actionNames.find(known => known === rest)
      if (name === undefined) throw new Error(`unknown action: ${text}`)
      return { type: 'action', name }
    }
    case '*':
      return readDriverEvent(rest, text)
    default:
      throw new Error(`not a line of a transcript: ${text}`)
  }
}

function readDriverEvent(rest: string, text: string): Line {
  if (/^silence \d{1,5}[sm]$/.test(rest)) return { type: 'silence', text }
  if (rest === 'secured' || rest === 'hangs up' || rest === 'shuts down' || rest === 'cuts off')
    return { type: rest }
  throw new Error(`unknown event: ${text}`)
}

function readAnswer(rest: string): Reply {
  const [, code, status, text = ''] =
    /^([2-5][0-5]\d)(?: ([245]\.\d{1,3}\.\d{1,3}))?(?: (.*))?$/s.exec(rest) ?? []
  if (code === undefined) throw new Error('an answer must be CODE [STATUS] TEXT')
  return status === undefined ? { code: Number(code), text } : reply(Number(code), status, text)
}

function checkOrder(lines: readonly Line[], error: (index: number, reason: string) => Error): void {
  lines.forEach((line, index) => {
    if (line.type === 'answer' && lines[index - 1]?.type !== 'question')
      throw error(index, 'an answer must directly follow its question')
    if (line.type === 'split' && lines.slice(index + 1).find(later => !isIgnored(later))?.type !== 'client')
      throw error(index, '| must come before a client line')
    if (index === 0 && line.type !== 'question' && isServerLine(line))
      throw error(index, 'a transcript must begin with a question or a client line')
  })
}

import { type Reply, reply } from '../protocol/index.ts'
import { parseBytes } from './bytes.ts'
import { actionNames, isServers, isSilent, type Line, printLine, questionTypes } from './line.ts'

/** A dialogue that a person can read, and a player can play. */
export interface Transcript {
  /** Where it was read from, for messages. */
  readonly file: string
  /** The claim that it proves. */
  readonly title: string
  /** The RFC and its section that the claim stands on. */
  readonly spec: string
  /** The conditions under which it is played, `''` for none: see `readConditions`. */
  readonly conditions: string
  /** What happens, in order; remarks and blank lines are among them. */
  readonly lines: readonly Line[]
}

/** What is wrong with a transcript, as `file:line: why`. */
export class NotationError extends Error {
  constructor(file: string, number: number, why: string) {
    super(`${file}:${number}: ${why}`)
    this.name = 'NotationError'
  }
}

/** Reads the text of a `.smtp` file. Throws a `NotationError`. */
export function readTranscript(text: string, file: string): Transcript {
  const source = text.split('\n')
  if (source.pop() !== '') throw new NotationError(file, source.length + 1, 'the last line has no end')
  const header = readHeader(source, file)
  const first = header.size + 1
  let bytes = 0
  const lines = source.slice(first).map((text, index) => {
    try {
      const line = readLine(text)
      if ('bytes' in line) bytes += line.bytes.length
      if (bytes > mostBytes) throw new Error('more than 256 MiB in all')
      return line
    } catch (error) {
      throw new NotationError(file, first + index + 1, (error as Error).message)
    }
  })
  checkOrder(lines, (index, why) => new NotationError(file, first + index + 1, why))
  const [title = '', spec = '', conditions = ''] = headerNames.map(name => header.get(name))
  return { file, title, spec, conditions, lines }
}

/** Writes a transcript as the text of a `.smtp` file; reading it gives the same transcript. */
export function writeTranscript(transcript: Transcript): string {
  const { title, spec, conditions, lines } = transcript
  const header = [`Title: ${title}`, `Spec: ${spec}`, ...(conditions === '' ? [] : [`With: ${conditions}`])]
  return [...header, '', ...lines.map(printLine), ''].join('\n')
}

/** A short file could ask for more, by repeats. */
const mostBytes = 256 * 1024 * 1024

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
  if (order.join() !== [...header.keys()].join()) throw new NotationError(file, 1, `the order is ${order}`)
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
      if (about === undefined) throw new Error(`no such question: ${text}`)
      return { type: 'question', about, text }
    }
    case '>': {
      const name = actionNames.find(known => known === rest)
      if (name === undefined) throw new Error(`no such notice: ${text}`)
      return { type: 'notice', name }
    }
    case '*':
      return readWorld(rest, text)
    default:
      throw new Error(`not a line of a transcript: ${text}`)
  }
}

function readWorld(rest: string, text: string): Line {
  if (/^silence \d{1,5}[sm]$/.test(rest)) return { type: 'silence', text }
  if (rest === 'secured' || rest === 'hangs up' || rest === 'shuts down' || rest === 'cuts off')
    return { type: rest }
  throw new Error(`no such thing happens: ${text}`)
}

function readAnswer(rest: string): Reply {
  const [, code, status, text = ''] =
    /^([2-5][0-5]\d)(?: ([245]\.\d{1,3}\.\d{1,3}))?(?: (.*))?$/s.exec(rest) ?? []
  if (code === undefined) throw new Error('an answer is CODE [STATUS] TEXT')
  return status === undefined ? { code: Number(code), text } : reply(Number(code), status, text)
}

function checkOrder(lines: readonly Line[], fault: (index: number, why: string) => Error): void {
  lines.forEach((line, index) => {
    if (line.type === 'answer' && lines[index - 1]?.type !== 'question')
      throw fault(index, 'an answer stands directly after its question')
    if (line.type === 'split' && lines.slice(index + 1).find(later => !isSilent(later))?.type !== 'client')
      throw fault(index, '| stands before a client line')
    if (index === 0 && line.type !== 'question' && isServers(line))
      throw fault(index, 'a transcript begins with a question or a client line')
  })
}

import type { Transcript } from './notation.ts'
import { Recorder } from './recording/recorder.ts'

/** How swaks begins a line of a dialogue: `->` in the clear, `~>` under TLS, stars where it did not like the line. */
const dialogueLine = /^( ->|\*\*>| ~>|\*~>|<- |<\*\*|<~ |<~\*)(?: (.*))?$/s

/** True for what swaks prints about a session. */
export function isSwaks(text: string): boolean {
  return !text.startsWith('Title: ') && text.split('\n', 1000).some(line => dialogueLine.test(line))
}

/**
 * Reads what swaks prints as a transcript. Throws an `Error` where there is no dialogue in it.
 * @param output one byte a character
 */
export function readSwaks(
  output: string,
  about: Pick<Transcript, 'file' | 'title' | 'spec'>,
  keepCredentials: boolean,
): Transcript {
  const entries = output.split('\n').flatMap(entryOf)
  if (!entries.some(({ side }) => side === 'client'))
    throw new Error(`${about.file}: swaks shows nothing here that a client says`)
  const dialogue = decoded(entries)
  const recorder = new Recorder({ keepCredentials, secure: entries[0]!.secured })
  const [first] = dialogue
  if (first?.side === 'server' && !/^(220|421|554)/.test(first.text))
    recorder.remark('swaks does not show how it began')
  let { secured } = entries[0]!
  for (const entry of dialogue) {
    if (entry.secured && !secured) recorder.secured()
    secured = entry.secured
    if (entry.side === 'server') recorder.server(lineOf(entry.text))
    else if (/^\d+ lines sent$/.test(entry.text)) {
      recorder.remark(`swaks does not show the content, ${entry.text.replace(' sent', '')}`)
      recorder.client(lineOf('.'))
    } else recorder.client(lineOf(entry.text))
  }
  if (/^\*\*\* Remote host closed connection/m.test(output)) recorder.serverEnds()
  else recorder.clientEnds()
  return recorder.transcript(about)
}

interface Entry {
  readonly side: 'client' | 'server'
  readonly secured: boolean
  readonly text: string
}

function entryOf(line: string): Entry[] {
  const [, mark, text = ''] = dialogueLine.exec(line.replace(/\r$/, '')) ?? []
  if (mark === undefined) return []
  return [{ side: mark.startsWith('<') ? 'server' : 'client', secured: mark.includes('~'), text }]
}

/** With --auth-plaintext swaks prints credentials and challenges decoded: they are encoded again. */
function decoded(entries: readonly Entry[]): Entry[] {
  let responding = false
  let plain = false
  return entries.map(entry => {
    if (entry.side === 'server') {
      const challenge = /^334 (.*)$/s.exec(entry.text)?.[1]
      responding = challenge !== undefined
      if (challenge === undefined || isBase64(challenge)) return entry
      plain = true
      return { ...entry, text: `334 ${base64(challenge)}` }
    }
    const [, head, initial] = /^(AUTH \S+ )(.*\\0.*)$/is.exec(entry.text) ?? []
    if (head !== undefined) return { ...entry, text: head + base64(initial!.replaceAll('\\0', '\0')) }
    return responding && plain && entry.text !== '*' ? { ...entry, text: base64(entry.text) } : entry
  })
}

function isBase64(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64') === text
}

function base64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64')
}

function lineOf(text: string): Buffer {
  return Buffer.from(`${text}\r\n`, 'latin1')
}

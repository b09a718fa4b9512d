import type { Transcript } from './notation.ts'
import { Recorder } from './recording/recorder.ts'

/** The start of a dialogue line of swaks: `->` without TLS, `~>` under TLS, stars if swaks considers the line an error. */
const dialogueLine = /^( ->|\*\*>| ~>|\*~>|<- |<\*\*|<~ |<~\*)(?: (.*))?$/s

/** Returns true for the output of swaks. */
export function isSwaks(text: string): boolean {
  return !text.startsWith('Title: ') && text.split('\n', 1000).some(line => dialogueLine.test(line))
}

/**
 * Converts the output of swaks to a transcript.
 *
 * @param output each byte as one character
 * @throws Error if it contains no dialogue
 */
export function readSwaks(
  output: string,
  about: Pick<Transcript, 'file' | 'title' | 'spec'>,
  keepCredentials: boolean,
): Transcript {
  const entries = output.split('\n').flatMap(entryOf)
  if (!entries.some(({ side }) => side === 'client'))
    throw new Error(`${about.file}: no line of a client in the output of swaks`)
  const dialogue = encodeCredentials(entries)
  const recorder = new Recorder({ keepCredentials, secure: entries[0]!.secured })
  const [first] = dialogue
  if (first?.side === 'server' && !/^(220|421|554)/.test(first.text))
    recorder.remark('swaks does not show the beginning')
  let { secured } = entries[0]!
  for (const entry of dialogue) {
    if (entry.secured && !secured) recorder.tlsEstablished()
    secured = entry.secured
    if (entry.side === 'server') recorder.onServerData(lineOf(entry.text))
    else if (/^\d+ lines sent$/.test(entry.text)) {
      recorder.remark(`swaks does not show the content, ${entry.text.replace(' sent', '')}`)
      recorder.onClientData(lineOf('.'))
    } else recorder.onClientData(lineOf(entry.text))
  }
  if (/^\*\*\* Remote host closed connection/m.test(output)) recorder.serverEnds()
  else recorder.clientEnds()
  return recorder.transcript(about)
}

interface SwaksEntry {
  readonly side: 'client' | 'server'
  readonly secured: boolean
  readonly text: string
}

function entryOf(line: string): SwaksEntry[] {
  const [, mark, text = ''] = dialogueLine.exec(line.replace(/\r$/, '')) ?? []
  if (mark === undefined) return []
  return [{ side: mark.startsWith('<') ? 'server' : 'client', secured: mark.includes('~'), text }]
}

/** Encodes credentials and challenges in Base64 again. With --auth-plaintext, swaks prints them decoded. */
function encodeCredentials(entries: readonly SwaksEntry[]): SwaksEntry[] {
  let responding = false
  let printsDecoded = false
  return entries.map(entry => {
    if (entry.side === 'server') {
      const challenge = /^334 (.*)$/s.exec(entry.text)?.[1]
      responding = challenge !== undefined
      if (challenge === undefined || isBase64(challenge)) return entry
      printsDecoded = true
      return { ...entry, text: `334 ${base64(challenge)}` }
    }
    const [, head, initial] = /^(AUTH \S+ )(.*\\0.*)$/is.exec(entry.text) ?? []
    if (head !== undefined) return { ...entry, text: head + base64(initial!.replaceAll('\\0', '\0')) }
    return responding && printsDecoded && entry.text !== '*' ? { ...entry, text: base64(entry.text) } : entry
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

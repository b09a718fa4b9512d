import type { Conditions } from '../conditions.ts'
import type { Transcript } from '../notation.ts'
import { stepsOf } from '../steps.ts'
import { extensionsIn } from './capabilities.ts'
import { repliesOf } from './reply-reader.ts'

/** What a transcript needs of a server, judged by its client lines. */
export interface Requirements {
  readonly extensions: ReadonlySet<string>
  /** The mechanism of each AUTH command, and whether TLS is active there. */
  readonly logins: readonly { readonly name: string; readonly secured: boolean }[]
  /** The sizes that MAIL declares. */
  readonly sizes: readonly number[]
  /** Number of bytes that the client sends. */
  readonly bytes: number
  /** The client sends STARTTLS, or starts TLS on a plaintext port by mistake. */
  readonly needsPlaintextStart: boolean
  /** The client sends commands for which a server may require authentication. */
  readonly mayNeedLogin: boolean
  readonly sendsBareNewlines: boolean
  /** The client pipelines commands before a reply to EHLO has allowed it. */
  readonly pipelinesEarly: boolean
  /** Extensions that the transcript's server offers, by its EHLO reply and its conditions. */
  readonly offered: ReadonlySet<string>
}

/** Returns what a transcript needs. Content is not parsed as commands, unless the client did not wait for 354. */
export function requirementsOf(transcript: Transcript, conditions: Conditions): Requirements {
  const extensions = new Set<string>()
  const logins: { name: string; secured: boolean }[] = []
  const sizes: number[] = []
  const listed = new Set<string>()
  let { secure: secured } = conditions.client
  let [bytes, needsPlaintextStart, mayNeedLogin, sendsBareNewlines, pipelinesEarly] = [
    0,
    false,
    false,
    false,
    false,
  ]
  let lastCode: number | undefined
  for (const { trigger, serverLines } of stepsOf(transcript)) {
    const replies = repliesOf(serverLines.flatMap(line => (line.type === 'reply' ? [line.text] : [])))
    if (trigger.type === 'secured') secured = true
    if (trigger.type === 'chunk') {
      bytes += trigger.bytes.length
      const text = trigger.bytes.toString('latin1')
      if (/^(\x16|STARTTLS\b)|\r\nSTARTTLS\b/i.test(text)) needsPlaintextStart = true
      if (/(^|[^\r])\n|\r(?!\n)./s.test(text)) sendsBareNewlines = true
      for (const line of lastCode === 354 ? [] : text.split('\r\n')) {
        for (const name of extensionsUsedBy(line)) extensions.add(name)
        const mechanism = /^AUTH +([\w-]+)/i.exec(line)?.[1]?.toUpperCase()
        if (mechanism !== undefined) logins.push({ name: mechanism, secured })
        const size = /^MAIL .* SIZE=(\d{1,20})( |$)/i.exec(line)?.[1]
        if (size !== undefined) sizes.push(Number(size))
        if (/^(MAIL|RCPT|DATA|BDAT|VRFY|EXPN)\b/i.test(line)) mayNeedLogin = true
      }
      // The greeting is no answer to a command.
      const answers = replies.filter(({ code }, index) => index > 0 || code !== 220 || lastCode !== undefined)
      if (answers.length > 1) {
        extensions.add('PIPELINING')
        pipelinesEarly ||= listed.size === 0
      }
    }
    for (const { code, lines } of replies)
      if (code === 250) for (const name of extensionsIn({ lines }).keys()) listed.add(name)
    lastCode = replies.at(-1)?.code ?? lastCode
  }
  const offered = new Set([...(listed.size > 0 ? listed : alwaysOffered), ...offeredUnder(conditions)])
  return {
    extensions,
    logins,
    sizes,
    bytes,
    needsPlaintextStart,
    mayNeedLogin,
    sendsBareNewlines,
    pipelinesEarly,
    offered,
  }
}

/** Extensions that this engine offers under all conditions. */
const alwaysOffered = ['PIPELINING', 'SIZE', '8BITMIME', 'CHUNKING', 'ENHANCEDSTATUSCODES']

function offeredUnder({ settings, client }: Conditions): string[] {
  const tls = settings.tls !== 'none' && !client.secure
  return [
    ...(tls ? ['STARTTLS'] : []),
    ...(settings.mechanisms.length > 0 ? ['AUTH'] : []),
    ...(settings.binaryMime ? ['BINARYMIME'] : []),
  ]
}

function extensionsUsedBy(line: string): string[] {
  const [verb = ''] = line.toUpperCase().split(/[ \r\n]/, 1)
  if (verb === 'BDAT') return ['CHUNKING']
  if (verb === 'AUTH' || verb === 'STARTTLS') return [verb]
  if (verb !== 'MAIL' && verb !== 'RCPT') return []
  const words = line.toUpperCase().split(' ')
  return words.flatMap(word => {
    const [name = '', value] = word.split('=', 2)
    if (name === 'BODY') return value === 'BINARYMIME' ? ['BINARYMIME', 'CHUNKING'] : ['8BITMIME']
    const extension = parameters.get(name)
    return extension === undefined ? [] : [extension]
  })
}

/** The parameters of MAIL and RCPT, and the extension that defines each. */
const parameters = new Map([
  ['SIZE', 'SIZE'],
  ['SMTPUTF8', 'SMTPUTF8'],
  ['AUTH', 'AUTH'],
  ['RET', 'DSN'],
  ['ENVID', 'DSN'],
  ['NOTIFY', 'DSN'],
  ['ORCPT', 'DSN'],
  ['BY', 'DELIVERBY'],
  ['HOLDFOR', 'FUTURERELEASE'],
  ['HOLDUNTIL', 'FUTURERELEASE'],
  ['MT-PRIORITY', 'MT-PRIORITY'],
  ['REQUIRETLS', 'REQUIRETLS'],
  ['RRVS', 'RRVS'],
])

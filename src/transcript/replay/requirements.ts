import type { Conditions } from '../conditions.ts'
import type { Transcript } from '../notation.ts'
import { stepsOf } from '../steps.ts'
import { extensionsIn } from './capabilities.ts'
import { repliesOf } from './reply-reader.ts'

/** What a transcript uses of a server, as far as its client's lines show. */
export interface Requirements {
  readonly extensions: ReadonlySet<string>
  /** What AUTH names, and whether TLS is up there. */
  readonly mechanisms: readonly { readonly name: string; readonly secured: boolean }[]
  /** Sizes that MAIL declares. */
  readonly sizes: readonly number[]
  /** All that the client says. */
  readonly bytes: number
  /** STARTTLS, or a client that begins with TLS by mistake. */
  readonly needsClear: boolean
  /** Commands that a server may want a login for. */
  readonly asksMuch: boolean
  readonly sendsBareNewlines: boolean
  /** Commands come together before any reply to EHLO could have allowed it. */
  readonly pipelinesEarly: boolean
  /** The server of the transcript offers these, as far as it says or its conditions do. */
  readonly offered: ReadonlySet<string>
}

/** Finds what a transcript uses. Content is not taken for commands, unless nobody waited for 354. */
export function requirementsOf(transcript: Transcript, conditions: Conditions): Requirements {
  const extensions = new Set<string>()
  const mechanisms: { name: string; secured: boolean }[] = []
  const sizes: number[] = []
  const listed = new Set<string>()
  let { secure: secured } = conditions.client
  let [bytes, needsClear, asksMuch, sendsBareNewlines, pipelinesEarly] = [0, false, false, false, false]
  let lastCode: number | undefined
  for (const { cue, outcome } of stepsOf(transcript)) {
    const replies = repliesOf(outcome.flatMap(line => (line.type === 'reply' ? [line.text] : [])))
    if (cue.type === 'secured') secured = true
    if (cue.type === 'chunk') {
      bytes += cue.bytes.length
      const text = cue.bytes.toString('latin1')
      if (/^(\x16|STARTTLS\b)|\r\nSTARTTLS\b/i.test(text)) needsClear = true
      if (/(^|[^\r])\n|\r(?!\n)./s.test(text)) sendsBareNewlines = true
      for (const line of lastCode === 354 ? [] : text.split('\r\n')) {
        for (const name of extensionsUsedBy(line)) extensions.add(name)
        const mechanism = /^AUTH +([\w-]+)/i.exec(line)?.[1]?.toUpperCase()
        if (mechanism !== undefined) mechanisms.push({ name: mechanism, secured })
        const size = /^MAIL .* SIZE=(\d{1,20})( |$)/i.exec(line)?.[1]
        if (size !== undefined) sizes.push(Number(size))
        if (/^(MAIL|RCPT|DATA|BDAT|VRFY|EXPN)\b/i.test(line)) asksMuch = true
      }
      // The greeting answers nothing.
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
  const offered = new Set([...(listed.size > 0 ? listed : always), ...conditional(conditions)])
  return {
    extensions,
    mechanisms,
    sizes,
    bytes,
    needsClear,
    asksMuch,
    sendsBareNewlines,
    pipelinesEarly,
    offered,
  }
}

/** What this engine offers under every condition. */
const always = ['PIPELINING', 'SIZE', '8BITMIME', 'CHUNKING', 'ENHANCEDSTATUSCODES']

function conditional({ settings, client }: Conditions): string[] {
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

/** Parameters of MAIL and RCPT, and the extension that each belongs to. */
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

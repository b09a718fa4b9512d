import type { Dialogue } from './dialogue.ts'
import { isAscii, readPath } from './grammar.ts'
import { Incoming } from './incoming.ts'
import { ChunkMode } from './modes/chunk.ts'
import { ContentMode } from './modes/content.ts'
import { CredentialsMode } from './modes/credentials.ts'
import { handshakeMode } from './modes/handshake.ts'
import { firstUnmet, type Need, needs } from './needs.ts'
import { mailParameters, parameters, rcptParameters } from './parameters.ts'
import { replies } from './replies.ts'
import type { Reply } from './reply.ts'
import type { Mechanism } from './sasl.ts'

/** A row of the table of commands. */
export interface Command {
  /** What must hold, in the order in which it is told. */
  readonly needs: readonly Need[]
  /** It takes no argument. */
  readonly bare?: true
  /** Its argument may have characters beyond ASCII (RFC 6531 section 3.4). */
  readonly utf8?: true
  /** More commands may follow before its reply (RFC 2920 section 3.1). */
  readonly grouped?: true
  /** It moves no mail; a client may send only so many of these. */
  readonly idle?: true
  /** @param argument what stands behind the verb, spaces at both ends removed */
  act(argument: string, dialogue: Dialogue): void
}

const { welcome, name, tls, login } = needs
const forContent = [welcome, name, tls, login, needs.recipient, needs.noChunks]
const http: Command = { needs: [], act: (_, dialogue) => dialogue.close(replies.notHttp) }

/** What a client can say (RFC 5321 section 4.1.1, RFC 3207, RFC 4954), by verb. */
export const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['HELO', { needs: [welcome], idle: true, act: helo }],
  ['EHLO', { needs: [welcome], idle: true, act: ehlo }],
  ['STARTTLS', { needs: [welcome, needs.noTls], bare: true, act: starttls }],
  ['AUTH', { needs: [welcome, needs.extended, tls, needs.noLogin, needs.noTransactionForLogin], act: auth }],
  ['MAIL', { needs: [welcome, name, tls, login, needs.noTransaction], utf8: true, grouped: true, act: mail }],
  [
    'RCPT',
    {
      needs: [welcome, name, tls, login, needs.sender, needs.noChunks, needs.roomForRecipient],
      utf8: true,
      grouped: true,
      act: rcpt,
    },
  ],
  ['DATA', { needs: [...forContent, needs.lines], bare: true, act: data }],
  // What it needs is looked at when its octets have been read.
  ['BDAT', { needs: [], grouped: true, act: bdat }],
  ['RSET', { needs: [welcome], bare: true, idle: true, grouped: true, act: rset }],
  ['NOOP', { needs: [welcome], idle: true, act: (_, dialogue) => dialogue.reply(replies.ok) }],
  ['VRFY', { needs: [welcome, tls, login], utf8: true, idle: true, act: vrfy }],
  [
    'EXPN',
    {
      needs: [welcome, tls, login],
      utf8: true,
      act: (_, dialogue) => dialogue.fault(replies.notImplemented),
    },
  ],
  ['HELP', { needs: [welcome], idle: true, act: help }],
  ['QUIT', { needs: [], bare: true, act: quit }],
  // A browser that was lured into speaking to this port must not get anywhere.
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE'].map(
    verb => [verb, http] as const,
  ),
])

function helo(argument: string, dialogue: Dialogue): void {
  if (greet(argument, dialogue, false)) {
    dialogue.reply(replies.hello(dialogue.settings.hostname, dialogue.name!))
  }
}

function ehlo(argument: string, dialogue: Dialogue): void {
  if (greet(argument, dialogue, true)) {
    const { hostname } = dialogue.settings
    dialogue.reply(replies.extensions(hostname, dialogue.name!, keywords(dialogue)))
  }
}

/** Mail is never refused for an odd name, as long as it can be printed (RFC 5321 section 4.1.4). */
function greet(argument: string, dialogue: Dialogue, extended: boolean): boolean {
  const [client = ''] = argument.split(' ', 1)
  if (!/^[!-~]{1,255}$/.test(client)) {
    dialogue.fault(replies.badName)
    return false
  }
  dialogue.name = client
  dialogue.extended = extended
  dialogue.dropTransaction()
  return true
}

function keywords(dialogue: Dialogue): string[] {
  const { settings, secure, user } = dialogue
  const mechanisms = user === undefined ? settings.mechanisms.filter(m => isOffered(m, dialogue)) : []
  return [
    'PIPELINING',
    // 0 says that there is no limit (RFC 1870 section 4).
    `SIZE ${Number.isFinite(settings.limits.messageBytes) ? settings.limits.messageBytes : 0}`,
    '8BITMIME',
    ...(settings.smtpUtf8 ? ['SMTPUTF8'] : []),
    'CHUNKING',
    'BINARYMIME',
    'ENHANCEDSTATUSCODES',
    ...(settings.tls !== 'none' && !secure ? ['STARTTLS'] : []),
    ...(mechanisms.length > 0 ? [`AUTH ${mechanisms.map(m => m.name).join(' ')}`] : []),
    `LIMITS RCPTMAX=${Math.min(settings.limits.recipients, mostRcptMax)}`,
    'HELP',
  ]
}

/** RCPTMAX has six digits at most (RFC 9422 section 4.2); more recipients are taken nevertheless. */
const mostRcptMax = 999_999

function isOffered(mechanism: Mechanism, { settings, secure }: Dialogue): boolean {
  if (settings.tls === 'required' && !secure) return false
  return secure || settings.plaintextLogin || !mechanism.plaintext
}

function starttls(_: string, dialogue: Dialogue): void {
  if (dialogue.settings.tls === 'none') return dialogue.fault(replies.notImplemented)
  dialogue.reply(replies.readyForTls)
  dialogue.mode = handshakeMode
  dialogue.notify({ type: 'upgrade' })
}

function auth(argument: string, dialogue: Dialogue): void {
  const { mechanisms, tls } = dialogue.settings
  if (mechanisms.length === 0) return dialogue.fault(replies.notImplemented)
  const [wanted = '', initial, ...more] = argument.split(' ')
  if (wanted === '' || more.length > 0) return dialogue.fault(replies.authSyntax)
  const mechanism = mechanisms.find(m => m.name === wanted.toUpperCase())
  if (mechanism === undefined) return dialogue.fault(replies.unknownMechanism)
  if (!isOffered(mechanism, dialogue)) {
    return dialogue.fault(tls === 'none' ? replies.unknownMechanism : replies.tlsForMechanism)
  }
  new CredentialsMode(mechanism.name, mechanism.begin()).begin(initial, dialogue)
}

function mail(argument: string, dialogue: Dialogue): void {
  const path = address(argument, /^FROM: */i)
  if (path === 'syntax') return dialogue.fault(replies.mailSyntax)
  if (path === 'bad address' || /^postmaster$/i.test(path.address)) return dialogue.fault(replies.badSender)
  const read = parameters(path.rest, mailParameters, dialogue)
  if ('refusal' in read) return dialogue.fault(read.refusal)
  if (!isAscii(path.address) && !read.parameters.has('SMTPUTF8'))
    return dialogue.fault(replies.senderNotAscii)
  const sender = { address: path.address, parameters: read.parameters }
  dialogue.ask({ type: 'sender', ...sender }, replies.senderOk, {
    granted: () =>
      (dialogue.transaction = { sender, recipients: [], refusedRecipient: false, incoming: undefined }),
  })
}

function rcpt(argument: string, dialogue: Dialogue): void {
  const path = address(argument, /^TO: */i)
  if (path === 'syntax') return dialogue.fault(replies.rcptSyntax)
  if (path === 'bad address' || path.address === '') return dialogue.fault(replies.badRecipient)
  const read = parameters(path.rest, rcptParameters, dialogue)
  if ('refusal' in read) return dialogue.fault(read.refusal)
  const recipient = { address: path.address, parameters: read.parameters }
  const transaction = dialogue.transaction!
  const { sender } = transaction
  if (!isAscii(path.address) && !sender.parameters.has('SMTPUTF8')) {
    return dialogue.fault(replies.recipientNotAscii)
  }
  dialogue.ask({ type: 'recipient', sender: sender.address, ...recipient }, replies.recipientOk, {
    granted: () => transaction.recipients.push(recipient),
    refused: reply => {
      transaction.refusedRecipient = true
      dialogue.fault(reply)
    },
  })
}

function address(argument: string, keyword: RegExp) {
  const [prefix] = keyword.exec(argument) ?? []
  if (prefix === undefined) return 'syntax'
  const text = argument.slice(prefix.length)
  const path = readPath(text)
  if (path === 'not a path') return 'syntax'
  if (path === 'bad address') return path
  const rest = text.slice(path.end)
  return rest === '' || rest[0] === ' ' ? { address: path.address, rest } : 'syntax'
}

function data(_: string, dialogue: Dialogue): void {
  dialogue.ask({ type: 'message', transaction: dialogue.transaction! }, replies.startInput, {
    granted: () => {
      const incoming = new Incoming(dialogue, true)
      dialogue.transaction!.incoming = incoming
      dialogue.mode = new ContentMode(incoming)
    },
    refused: reply => dialogue.reply(reply),
  })
}

/** RFC 3030 section 2. The octets follow at once, so a size that cannot be read, or that nobody would read, is the end. */
function bdat(argument: string, dialogue: Dialogue): void {
  const { messageBytes, drainFactor } = dialogue.settings.limits
  const [, digits, word] = /^(\d{1,20})(?: +(LAST))?$/i.exec(argument) ?? []
  if (digits === undefined) return dialogue.close(replies.chunkSyntax)
  const size = Number(digits)
  if (size > drainFactor * messageBytes) return dialogue.close(replies.tooLarge(messageBytes))
  const last = word !== undefined
  // A chunk of nothing that is not the last moves no mail.
  if (size === 0 && !last) dialogue.countIdle()
  if (dialogue.closed) return
  const chunk = (refusal?: Reply) => new ChunkMode(size, last, refusal).begin(dialogue)
  const transaction = dialogue.transaction
  if (transaction?.incoming !== undefined) return chunk()
  const unmet = firstUnmet(forContent, dialogue)
  if (unmet !== undefined) return chunk(unmet)
  const begin = (refusal?: Reply) => {
    transaction!.incoming = new Incoming(dialogue, false, refusal)
    chunk()
  }
  dialogue.ask({ type: 'message', transaction: transaction! }, undefined, {
    granted: () => begin(),
    // The chunks behind this one may be on their way, and are refused like it.
    refused: begin,
  })
}

function rset(_: string, dialogue: Dialogue): void {
  dialogue.dropTransaction()
  dialogue.reply(replies.ok)
}

function vrfy(argument: string, dialogue: Dialogue): void {
  if (argument === '') dialogue.fault(replies.verifySyntax)
  else dialogue.reply(replies.cannotVerify)
}

function help(_: string, dialogue: Dialogue): void {
  dialogue.reply(replies.help([...commands].filter(([, row]) => row !== http).map(([verb]) => verb)))
}

function quit(_: string, dialogue: Dialogue): void {
  const { hostname, service } = dialogue.settings
  dialogue.close(replies.farewell(hostname, service))
}

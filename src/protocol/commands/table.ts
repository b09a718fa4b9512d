import { handshakeReader } from '../readers/handshake-reader.ts'
import { replies } from '../replies.ts'
import type { SessionState } from '../session-state.ts'
import { auth } from './auth.ts'
import { bdat, contentPreconditions, data } from './data-bdat.ts'
import { ehlo, helo } from './hello.ts'
import { httpMethods } from './http-methods.ts'
import { mail, rcpt } from './mail-rcpt.ts'
import { type Precondition, preconditions } from './preconditions.ts'

/** A row of the table of commands. */
export interface Command {
  /** What must hold, in the order in which it is told. */
  readonly preconditions: readonly Precondition[]
  /** It takes no argument. */
  readonly noArgument?: true
  /** Its argument may have characters beyond ASCII (RFC 6531 section 3.4). */
  readonly allowsUtf8?: true
  /** More commands may follow before its reply (RFC 2920 section 3.1). */
  readonly pipelined?: true
  /** It moves no mail; a client may send only so many of these. */
  readonly countsAsJunk?: true
  /** @param argument what stands behind the verb, spaces at both ends removed */
  handle(argument: string, dialogue: SessionState): void
}

const { welcome, name, tls, login } = preconditions
const http: Command = { preconditions: [], handle: (_, dialogue) => dialogue.close(replies.notHttp) }

/** What a client can say (RFC 5321 section 4.1.1, RFC 3207, RFC 4954), by verb. */
export const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['HELO', { preconditions: [welcome], countsAsJunk: true, handle: helo }],
  ['EHLO', { preconditions: [welcome], countsAsJunk: true, handle: ehlo }],
  ['STARTTLS', { preconditions: [welcome, preconditions.noTls], noArgument: true, handle: starttls }],
  [
    'AUTH',
    {
      preconditions: [
        welcome,
        preconditions.extended,
        tls,
        preconditions.noLogin,
        preconditions.noTransactionForLogin,
      ],
      handle: auth,
    },
  ],
  [
    'MAIL',
    {
      preconditions: [welcome, name, tls, login, preconditions.noTransaction],
      allowsUtf8: true,
      pipelined: true,
      handle: mail,
    },
  ],
  [
    'RCPT',
    {
      preconditions: [
        welcome,
        name,
        tls,
        login,
        preconditions.sender,
        preconditions.noChunks,
        preconditions.roomForRecipient,
      ],
      allowsUtf8: true,
      pipelined: true,
      handle: rcpt,
    },
  ],
  ['DATA', { preconditions: [...contentPreconditions, preconditions.lines], noArgument: true, handle: data }],
  // What it needs is looked at when its octets have been read.
  ['BDAT', { preconditions: [], pipelined: true, handle: bdat }],
  ['RSET', { preconditions: [welcome], noArgument: true, countsAsJunk: true, pipelined: true, handle: rset }],
  [
    'NOOP',
    { preconditions: [welcome], countsAsJunk: true, handle: (_, dialogue) => dialogue.reply(replies.ok) },
  ],
  ['VRFY', { preconditions: [welcome, tls, login], allowsUtf8: true, countsAsJunk: true, handle: vrfy }],
  [
    'EXPN',
    {
      preconditions: [welcome, tls, login],
      allowsUtf8: true,
      handle: (_, dialogue) => dialogue.reject(replies.notImplemented),
    },
  ],
  ['HELP', { preconditions: [welcome], countsAsJunk: true, handle: help }],
  ['QUIT', { preconditions: [], noArgument: true, handle: quit }],
  // A browser that was lured into speaking to this port must not get anywhere.
  ...httpMethods.map(method => [method, http] as const),
])

function starttls(_: string, dialogue: SessionState): void {
  if (dialogue.settings.tls === 'none') return dialogue.reject(replies.notImplemented)
  dialogue.reply(replies.readyForTls)
  dialogue.reader = handshakeReader
  dialogue.act({ type: 'upgrade' })
}

function rset(_: string, dialogue: SessionState): void {
  dialogue.dropTransaction()
  dialogue.reply(replies.ok)
}

function vrfy(argument: string, dialogue: SessionState): void {
  if (argument === '') dialogue.reject(replies.verifySyntax)
  else dialogue.reply(replies.cannotVerify)
}

function help(_: string, dialogue: SessionState): void {
  dialogue.reply(replies.help([...commands].filter(([, row]) => row !== http).map(([verb]) => verb)))
}

function quit(_: string, dialogue: SessionState): void {
  const { hostname, service } = dialogue.settings
  dialogue.close(replies.farewell(hostname, service))
}

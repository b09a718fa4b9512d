import { handshakeReader } from '../readers/handshake-reader.ts'
import { replies } from '../replies.ts'
import type { SessionState } from '../session-state.ts'
import { auth } from './auth.ts'
import { bdat, contentPreconditions, data } from './data-bdat.ts'
import { ehlo, helo } from './hello.ts'
import { httpMethods } from './http-methods.ts'
import { mail, rcpt } from './mail-rcpt.ts'
import { type Precondition, preconditions } from './preconditions.ts'

/** A row of the command table. */
export interface Command {
  /** What must hold before it is executed. The first one that is violated determines the reply. */
  readonly preconditions: readonly Precondition[]
  /** It takes no argument: one is answered with `501 5.5.4`. */
  readonly noArgument?: true
  /** Its argument may have non-ASCII characters (RFC 6531 section 3.4). */
  readonly allowsUtf8?: true
  /** More commands may follow before its reply (RFC 2920 section 3.1). */
  readonly pipelined?: true
  /** It moves no message, so the number of these is limited (`Limits.junkCommands`). */
  readonly countsAsJunk?: true
  /** Executes it. @param argument the text after the verb, without spaces at both ends */
  handle(argument: string, state: SessionState): void
}

const { accepted, hello, encrypted, authenticated } = preconditions
const http: Command = { preconditions: [], handle: (_, state) => state.close('errors', replies.notHttp) }

/** The commands by verb (RFC 5321 section 4.1.1, RFC 3207, RFC 3030, RFC 4954). */
export const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['HELO', { preconditions: [accepted], countsAsJunk: true, handle: helo }],
  ['EHLO', { preconditions: [accepted], countsAsJunk: true, handle: ehlo }],
  ['STARTTLS', { preconditions: [accepted, preconditions.notEncrypted], noArgument: true, handle: starttls }],
  [
    'AUTH',
    {
      preconditions: [
        accepted,
        preconditions.extended,
        encrypted,
        preconditions.notAuthenticated,
        preconditions.noTransactionForAuth,
      ],
      handle: auth,
    },
  ],
  [
    'MAIL',
    {
      preconditions: [accepted, hello, encrypted, authenticated, preconditions.noTransaction],
      allowsUtf8: true,
      pipelined: true,
      handle: mail,
    },
  ],
  [
    'RCPT',
    {
      preconditions: [
        accepted,
        hello,
        encrypted,
        authenticated,
        preconditions.sender,
        preconditions.noBdat,
        preconditions.recipientLimit,
      ],
      allowsUtf8: true,
      pipelined: true,
      handle: rcpt,
    },
  ],
  [
    'DATA',
    { preconditions: [...contentPreconditions, preconditions.textBody], noArgument: true, handle: data },
  ],
  // `bdat` checks the preconditions itself, because the octets must be read in any case.
  ['BDAT', { preconditions: [], pipelined: true, handle: bdat }],
  [
    'RSET',
    { preconditions: [accepted], noArgument: true, countsAsJunk: true, pipelined: true, handle: rset },
  ],
  ['NOOP', { preconditions: [accepted], countsAsJunk: true, handle: (_, state) => state.reply(replies.ok) }],
  [
    'VRFY',
    {
      preconditions: [accepted, encrypted, authenticated],
      allowsUtf8: true,
      countsAsJunk: true,
      handle: vrfy,
    },
  ],
  [
    'EXPN',
    {
      preconditions: [accepted, encrypted, authenticated],
      allowsUtf8: true,
      handle: (_, state) => state.reject(replies.notImplemented),
    },
  ],
  ['HELP', { preconditions: [accepted], countsAsJunk: true, handle: help }],
  ['QUIT', { preconditions: [], noArgument: true, handle: quit }],
  // A browser that a web page makes connect to this port must not be able to send a message.
  ...httpMethods.map(method => [method, http] as const),
])

function starttls(_: string, state: SessionState): void {
  if (state.settings.tls === 'none') return state.reject(replies.notImplemented)
  state.reply(replies.readyForTls)
  state.reader = handshakeReader
  state.act({ type: 'upgrade' })
}

function rset(_: string, state: SessionState): void {
  state.dropTransaction()
  state.reply(replies.ok)
}

function vrfy(argument: string, state: SessionState): void {
  if (argument === '') state.reject(replies.verifySyntax)
  else state.reply(replies.cannotVerify)
}

function help(_: string, state: SessionState): void {
  state.reply(replies.help([...commands].filter(([, row]) => row !== http).map(([verb]) => verb)))
}

function quit(_: string, state: SessionState): void {
  const { hostname, service } = state.settings
  state.close('quit', replies.goodbye(hostname, service))
}

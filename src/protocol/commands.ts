import { bdat, contentNeeds, data } from './commands/content.ts'
import { mail, rcpt } from './commands/envelope.ts'
import { ehlo, helo } from './commands/hello.ts'
import { auth } from './commands/login.ts'
import type { Dialogue } from './dialogue.ts'
import { httpMethods } from './http-methods.ts'
import { handshakeMode } from './modes/handshake.ts'
import { type Need, needs } from './needs.ts'
import { replies } from './replies.ts'

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
  ['DATA', { needs: [...contentNeeds, needs.lines], bare: true, act: data }],
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
  ...httpMethods.map(method => [method, http] as const),
])

function starttls(_: string, dialogue: Dialogue): void {
  if (dialogue.settings.tls === 'none') return dialogue.fault(replies.notImplemented)
  dialogue.reply(replies.readyForTls)
  dialogue.mode = handshakeMode
  dialogue.notify({ type: 'upgrade' })
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

import { escapeForTerminal } from '../../support/escape.ts'
import { type Conditions, pairsOf, readConditions } from '../conditions.ts'
import type { Line } from '../line.ts'
import type { Transcript } from '../notation.ts'
import { printQuestion } from '../runners/transcript-writer.ts'
import { stepsOf } from '../steps.ts'
import type { Capabilities, Extensions } from './capabilities.ts'
import { silenceMs } from './expectation.ts'
import { type Requirements, requirementsOf } from './requirements.ts'

/** What is known about a server against which transcripts are replayed. */
export interface ServerUnderTest {
  readonly capabilities: Capabilities
  /** How the server is set up, as its operator says, in the notation of `With`. */
  readonly declaredConditions: string
  readonly implicitTls: boolean
  /** Users of the server, as `name:password`. */
  readonly users: readonly string[]
  readonly timeoutMs: number
}

/**
 * Returns why a transcript cannot be replayed against a server, or undefined if it can. It cannot if it depends on a
 * setting of the server, a decision of its host, or an extension that only one of the two servers offers.
 *
 * @throws Error if the transcript's conditions are invalid
 */
export function skipReason(transcript: Transcript, server: ServerUnderTest): string | undefined {
  const conditions = readConditions(transcript.conditions)
  const requirements = requirementsOf(transcript, conditions)
  return (
    hostReason(transcript, server) ??
    conditionReason(transcript.conditions, requirements, server) ??
    extensionReason(requirements, server) ??
    loginReason(requirements, conditions, server) ??
    sizeReason(requirements, conditions, server)
  )
}

function hostReason(transcript: Transcript, server: ServerUnderTest): string | undefined {
  const steps = stepsOf(transcript)
  for (const { trigger, serverLines } of steps) {
    if (trigger.type === 'shuts down' || trigger.type === 'cuts off')
      return 'the server would have to shut down'
    if (trigger.type === 'silence' && silenceMs(trigger.text) > server.timeoutMs)
      return 'its silence is longer than --timeout'
    for (const [index, line] of serverLines.entries()) {
      if (line.type !== 'question') continue
      const reason = questionReason(line, serverLines[index + 1], server.users)
      if (reason !== undefined) return reason
    }
  }
  return undefined
}

/** Returns a reason if a server would not give the answer to this question by itself. */
function questionReason(
  { about, text }: Extract<Line, { type: 'question' }>,
  next: Line | undefined,
  users: readonly string[],
): string | undefined {
  const answer = next?.type === 'answer' ? next.reply.code : undefined
  const refused = answer !== undefined && answer >= 400
  if (about !== 'login') return refused ? `the server would have to answer ${answer} to ${about}` : undefined
  const known = users.some(user => questionsOf(user).includes(text))
  if (refused) {
    // A server with users refuses all other users by itself.
    const byItself = answer === 535 && users.length > 0 && !known
    return byItself ? undefined : `the server would have to answer ${answer} to login`
  }
  if (text.startsWith('? login CRAM-MD5')) return 'its CRAM-MD5 response belongs to another challenge'
  return known
    ? undefined
    : `the server would have to know the user of ${clip(withoutPassword(text))} (--user)`
}

/** Removes the credentials that follow the user name. */
function withoutPassword(text: string): string {
  return text.replace(/^(\? login \S+ (?:"(?:[^"\\]|\\.)*"|\S+)).*/, '$1 ...')
}

/** Returns the questions that a user's login leads to, for the mechanisms that send the password. */
function questionsOf(user: string): string[] {
  const colon = user.indexOf(':')
  const [username, password] = [user.slice(0, colon), user.slice(colon + 1)]
  return ['PLAIN', 'LOGIN'].map(mechanism =>
    printQuestion({ type: 'login', mechanism, credentials: { type: 'password', username, password } }),
  )
}

/** Conditions that EHLO or the connection shows. All others must be declared. */
const detectable = ['tls=none', 'tls=offered', ...['secure', 'smtputf8', 'binarymime'].flatMap(yesOrNo)]

function yesOrNo(name: string): string[] {
  return [`${name}=yes`, `${name}=no`]
}

function conditionReason(
  text: string,
  requirements: Requirements,
  server: ServerUnderTest,
): string | undefined {
  const wanted = pairsOf(text)
  const declared = pairsOf(server.declaredConditions)
  if (wanted.includes('secure=yes') !== server.implicitTls) {
    if (!server.implicitTls) return 'it needs TLS from the first byte (--tls)'
    if (requirements.needsPlaintextStart) return 'it needs a connection that begins without TLS'
  }
  for (const pair of wanted) {
    const [name = '', value] = pair.split('=')
    if (detectable.includes(pair) || name === 'mechanisms' || name === 'plaintext-login') continue
    if (declared.includes(pair)) continue
    if (name === 'size' && server.capabilities.initial.get('SIZE') === value) continue
    return `it needs a server with ${pair} (--with)`
  }
  const hasOnly = (pair: string) => declared.includes(pair) && !wanted.includes(pair)
  if (hasOnly('tls=required') && !wanted.includes('secure=yes')) return 'it needs a server with tls=offered'
  if (hasOnly('login=required') && requirements.mayNeedLogin) return 'it needs a server with login=optional'
  if (hasOnly('bare-newline=reject') && requirements.sendsBareNewlines)
    return 'it needs a server with bare-newline=normalize'
  return undefined
}

function extensionReason(requirements: Requirements, server: ServerUnderTest): string | undefined {
  const { initial, afterStartTls } = server.capabilities
  if (requirements.pipelinesEarly) return 'it pipelines commands before EHLO has allowed it'
  for (const name of requirements.extensions) {
    // AUTH is often offered only under TLS. `loginReason` checks the mechanisms.
    const onServer = initial.has(name) || (name === 'AUTH' && afterStartTls?.has(name) === true)
    if (requirements.offered.has(name) && !onServer)
      return `it needs ${name}, which the server does not offer`
    if (!requirements.offered.has(name) && onServer) return `it needs a server without ${name}`
  }
  return undefined
}

function loginReason(
  { logins }: Requirements,
  { settings, client }: Conditions,
  { capabilities, declaredConditions, implicitTls }: ServerUnderTest,
): string | undefined {
  // Some servers list mechanisms without TLS that they refuse there.
  const refusesPlaintextLogin = pairsOf(declaredConditions).includes('plaintext-login=no')
  for (const { name, secured } of logins) {
    const listed = settings.mechanisms.some(one => one.name === name)
    const inTranscript =
      listed && (secured || client.secure || settings.allowPlaintextAuth || name === 'CRAM-MD5')
    const underTls = secured || implicitTls
    const list =
      secured && capabilities.afterStartTls !== undefined ? capabilities.afterStartTls : capabilities.initial
    const onServer = offers(list, name) && (underTls || !refusesPlaintextLogin || name === 'CRAM-MD5')
    if (inTranscript === onServer) continue
    const where = underTls ? 'under TLS' : 'without TLS'
    return inTranscript ? `it needs AUTH ${name} ${where}` : `it needs a server without AUTH ${name} ${where}`
  }
  return undefined
}

function sizeReason(
  { sizes, bytes }: Requirements,
  { settings }: Conditions,
  { capabilities }: ServerUnderTest,
): string | undefined {
  const inTranscript = settings.limits.messageBytes
  // 0 or no value: the server states no limit (RFC 1870 section 4).
  const onServer = Number(capabilities.initial.get('SIZE') ?? 0) || Number.POSITIVE_INFINITY
  const differs =
    sizes.some(size => size > inTranscript !== size > onServer) || (bytes > onServer && bytes <= inTranscript)
  return differs ? 'the server has another size limit' : undefined
}

function offers(extensions: Extensions, mechanism: string): boolean {
  const listed = extensions.get('AUTH')?.toUpperCase().split(' ') ?? []
  return listed.includes(mechanism)
}

function clip(text: string): string {
  return escapeForTerminal(text.length > 50 ? `${text.slice(0, 50)}...` : text)
}

import { escapeForTerminal } from '../../support/escape.ts'
import { type Conditions, pairsOf, readConditions } from '../conditions.ts'
import type { Line } from '../line.ts'
import type { Transcript } from '../notation.ts'
import { printQuestion } from '../runners/transcript-writer.ts'
import { stepsOf } from '../steps.ts'
import type { Capabilities, Extensions } from './capabilities.ts'
import { silenceMs } from './expectation.ts'
import { type Requirements, requirementsOf } from './requirements.ts'

/** What is known of a server that transcripts are to be played against. */
export interface ServerUnderTest {
  readonly abilities: Capabilities
  /** How the server is set up, in the notation of `With`. */
  readonly declared: string
  readonly implicitTls: boolean
  /** Users that the server knows, as `name:password`. */
  readonly users: readonly string[]
  readonly patienceMs: number
}

/**
 * Why a transcript cannot be played against a server: something in it is decided by who set up the server, or stands
 * on an extension that only one of the two has. Nothing where it can. Throws where its conditions are none.
 */
export function skipReason(transcript: Transcript, server: ServerUnderTest): string | undefined {
  const conditions = readConditions(transcript.conditions)
  const demands = requirementsOf(transcript, conditions)
  return (
    hostObstacle(transcript, server) ??
    conditionObstacle(transcript.conditions, demands, server) ??
    extensionObstacle(demands, server) ??
    loginObstacle(demands, conditions, server) ??
    sizeObstacle(demands, conditions, server)
  )
}

function hostObstacle(transcript: Transcript, server: ServerUnderTest): string | undefined {
  const steps = stepsOf(transcript)
  for (const { cue, outcome } of steps) {
    if (cue.type === 'shuts down' || cue.type === 'cuts off') return 'the server would have to end'
    if (cue.type === 'silence' && silenceMs(cue.text) > server.patienceMs)
      return 'it waits longer than --timeout'
    for (const [index, line] of outcome.entries()) {
      if (line.type !== 'question') continue
      const found = questionObstacle(line, outcome[index + 1], server.users)
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** A question whose answer is not what any server would say by itself. */
function questionObstacle(
  { about, text }: Extract<Line, { type: 'question' }>,
  next: Line | undefined,
  users: readonly string[],
): string | undefined {
  const answer = next?.type === 'answer' ? next.reply.code : undefined
  const refused = answer !== undefined && answer >= 400
  if (about !== 'login') return refused ? `the server would have to answer ${answer} to ${about}` : undefined
  const known = users.some(user => questionsOf(user).includes(text))
  if (refused) {
    // A server that knows users refuses all others by itself.
    const byItself = answer === 535 && users.length > 0 && !known
    return byItself ? undefined : `the server would have to answer ${answer} to login`
  }
  if (text.startsWith('? login CRAM-MD5')) return 'its response belongs to another challenge'
  return known
    ? undefined
    : `the server would have to know the user of ${short(withoutPassword(text))} (--user)`
}

/** What stands behind the name is nobody's business. */
function withoutPassword(text: string): string {
  return text.replace(/^(\? login \S+ (?:"(?:[^"\\]|\\.)*"|\S+)).*/, '$1 ...')
}

/** How a user's login is asked about, by the mechanisms that give the password. */
function questionsOf(user: string): string[] {
  const colon = user.indexOf(':')
  const [username, password] = [user.slice(0, colon), user.slice(colon + 1)]
  return ['PLAIN', 'LOGIN'].map(mechanism =>
    printQuestion({ type: 'login', mechanism, credentials: { type: 'password', username, password } }),
  )
}

/** Conditions that the server shows by itself; all others must be declared. */
const shown = ['tls=none', 'tls=offered', ...['secure', 'smtputf8', 'binarymime'].flatMap(yesOrNo)]

function yesOrNo(name: string): string[] {
  return [`${name}=yes`, `${name}=no`]
}

function conditionObstacle(text: string, demands: Requirements, server: ServerUnderTest): string | undefined {
  const mine = pairsOf(text)
  const declared = pairsOf(server.declared)
  if (mine.includes('secure=yes') !== server.implicitTls) {
    if (!server.implicitTls) return 'it needs TLS from the first byte (--tls)'
    if (demands.needsClear) return 'it needs a connection that begins in the clear'
  }
  for (const pair of mine) {
    const [name = '', value] = pair.split('=')
    if (shown.includes(pair) || name === 'mechanisms' || name === 'plaintext-login') continue
    if (declared.includes(pair)) continue
    if (name === 'size' && server.abilities.first.get('SIZE') === value) continue
    return `it needs a server with ${pair} (--with)`
  }
  const hasOnly = (pair: string) => declared.includes(pair) && !mine.includes(pair)
  if (hasOnly('tls=required') && !mine.includes('secure=yes')) return 'it needs a server with tls=offered'
  if (hasOnly('login=required') && demands.asksMuch) return 'it needs a server with login=optional'
  if (hasOnly('bare-newline=reject') && demands.sendsBareNewlines)
    return 'it needs a server with bare-newline=normalize'
  return undefined
}

function extensionObstacle(demands: Requirements, server: ServerUnderTest): string | undefined {
  const { first, secured } = server.abilities
  if (demands.pipelinesEarly) return 'it sends commands together before EHLO has allowed it'
  for (const name of demands.extensions) {
    // AUTH is often offered under TLS only; which mechanisms are is looked at elsewhere.
    const here = first.has(name) || (name === 'AUTH' && secured?.has(name) === true)
    if (demands.offered.has(name) && !here) return `it needs ${name}, which the server does not offer`
    if (!demands.offered.has(name) && here) return `it needs a server without ${name}`
  }
  return undefined
}

function loginObstacle(
  { mechanisms }: Requirements,
  { settings, client }: Conditions,
  { abilities, declared, implicitTls }: ServerUnderTest,
): string | undefined {
  // Some list in the clear what they refuse there.
  const hides = pairsOf(declared).includes('plaintext-login=no')
  for (const { name, secured } of mechanisms) {
    const listed = settings.mechanisms.some(one => one.name === name)
    const there = listed && (secured || client.secure || settings.allowPlaintextAuth || name === 'CRAM-MD5')
    const underTls = secured || implicitTls
    const list = secured && abilities.secured !== undefined ? abilities.secured : abilities.first
    const here = offers(list, name) && (underTls || !hides || name === 'CRAM-MD5')
    if (there === here) continue
    const where = underTls ? 'under TLS' : 'in the clear'
    return there ? `it needs AUTH ${name} ${where}` : `it needs a server without AUTH ${name} ${where}`
  }
  return undefined
}

function sizeObstacle(
  { sizes, bytes }: Requirements,
  { settings }: Conditions,
  { abilities }: ServerUnderTest,
): string | undefined {
  const there = settings.limits.messageBytes
  // 0 and nothing: no limit that is known (RFC 1870 section 4).
  const here = Number(abilities.first.get('SIZE') ?? 0) || Number.POSITIVE_INFINITY
  const differs = sizes.some(size => size > there !== size > here) || (bytes > here && bytes <= there)
  return differs ? 'its sizes are judged by another limit there' : undefined
}

function offers(extensions: Extensions, mechanism: string): boolean {
  const listed = extensions.get('AUTH')?.toUpperCase().split(' ') ?? []
  return listed.includes(mechanism)
}

function short(text: string): string {
  return escapeForTerminal(text.length > 50 ? `${text.slice(0, 50)}...` : text)
}

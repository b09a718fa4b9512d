import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { Progress } from '../../support/progress.ts'
import { readConditions } from '../conditions.ts'
import { readTranscript, type Transcript } from '../notation.ts'
import { type Capabilities, readCapabilities } from '../replay/capabilities.ts'
import type { StepOutcome } from '../replay/comparison.ts'
import { playAgainst } from '../replay/play-against.ts'
import { type ServerUnderTest, skipReason } from '../replay/skip-reasons.ts'
import { isSwaks, readSwaks } from '../swaks.ts'
import type { Remote } from '../wire.ts'
import { type Arguments, addressOf, countOf, durationMsOf, lastOf, UsageError } from './arguments.ts'
import { mapConcurrent } from './map-concurrent.ts'
import { type FileResult, jsonOf, reportOf } from './report.ts'
import { findSources, type Source } from './sources.ts'

/** Longer than this nobody waits for what a transcript does not say, however slow the server is. */
const mostGraceMs = 1000
const leastGraceMs = 50
/** After as many connections in a row that could not be made, no more are tried. */
const mostRefusals = 5

/** Plays transcripts against a server, and says where it leaves them. Returns the exit status. */
export async function replay(given: Arguments, say: (text: string) => void): Promise<number> {
  const patienceMs = durationMsOf(given, 'timeout', 5_000)
  const remote = remoteOf(given, patienceMs)
  const implicitTls = given.values.has('tls')
  const jobs = countOf(given, 'jobs', 1)
  const declared = declaredOf(given)
  const users = given.values.get('user') ?? []
  if (users.some(user => !user.includes(':'))) throw new UsageError('--user is NAME:PASSWORD')
  const transcripts = findSources(given.operands).map(source => ({ source, transcript: read(source) }))
  const abilities = await ask(given, remote, implicitTls, patienceMs)
  const circumstances: ServerUnderTest = { abilities, declared, implicitTls, users, patienceMs }
  const graceMs = Math.min(mostGraceMs, Math.max(leastGraceMs, 2 * abilities.replyMs))
  const manner = { remote, implicitTls, patienceMs, graceMs }
  const progress = new Progress(process.stderr, 'transcripts')
  const counts = { done: 0, differing: 0 }
  let refusals = 0
  const play = async (transcript: Transcript): Promise<StepOutcome> => {
    const reason = skipReason(transcript, circumstances)
    if (reason !== undefined) return { type: 'skipped', reason }
    if (refusals >= mostRefusals) return { type: 'skipped', reason: 'the server cannot be reached any more' }
    try {
      const outcome = await playAgainst(transcript, manner)
      refusals = 0
      return outcome
    } catch (error) {
      refusals += 1
      const difference = { after: 'nothing', expected: 'a connection', got: (error as Error).message }
      return { type: 'differs', difference }
    }
  }
  const results = await mapConcurrent(
    jobs,
    transcripts,
    async ({ source, transcript }): Promise<FileResult> => {
      const outcome = await play(transcript)
      counts.done += 1
      if (outcome.type === 'differs') counts.differing += 1
      progress.show(counts.done, counts.done / transcripts.length, `${counts.differing} differ`)
      return { source, transcript, outcome }
    },
  )
  progress.clear()
  const fails = ({ outcome }: FileResult) =>
    outcome.type === 'differs' || (outcome.type === 'other code' && given.values.has('strict'))
  say(given.values.has('json') ? jsonOf(results) : reportOf(results, fails))
  return results.some(fails) ? 1 : 0
}

/** Reads a transcript and its conditions: what is wrong with one ends the program before anybody is spoken to. */
function read({ text, bytes, path }: Source): Transcript {
  const about = { file: path, title: `What swaks did in ${basename(path)}`, spec: 'RFC 5321' }
  const transcript = isSwaks(text) ? readSwaks(bytes, about, true) : readTranscript(text, path)
  readConditions(transcript.conditions)
  return transcript
}

function remoteOf(given: Arguments, connectMs: number): Remote {
  const { host, port } = addressOf(given, 'server')
  const name = lastOf(given, 'tls-name')
  const ca = lastOf(given, 'ca')
  const trust = ca === undefined ? { rejectUnauthorized: false } : { ca: readFileSync(ca) }
  return { host, port, connectMs, tls: { ...trust, ...(name === undefined ? {} : { servername: name }) } }
}

function declaredOf(given: Arguments): string {
  const declared = lastOf(given, 'with') ?? ''
  try {
    readConditions(declared)
  } catch (error) {
    throw new UsageError(`--with: ${(error as Error).message}`)
  }
  return declared
}

async function ask(
  given: Arguments,
  remote: Remote,
  implicitTls: boolean,
  patienceMs: number,
): Promise<Capabilities> {
  try {
    return await readCapabilities(remote, implicitTls, patienceMs)
  } catch (error) {
    throw new Error(`${lastOf(given, 'server')}: ${(error as Error).message}`)
  }
}

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { Progress } from '../../support/progress.ts'
import type { RemoteServer } from '../client-connection.ts'
import { readConditions } from '../conditions.ts'
import { readTranscript, type Transcript } from '../notation.ts'
import { type Capabilities, readCapabilities } from '../replay/capabilities.ts'
import type { ReplayOutcome } from '../replay/comparison.ts'
import { replayTranscript } from '../replay/replay-transcript.ts'
import { type ServerUnderTest, skipReason } from '../replay/skip-reasons.ts'
import { isSwaks, readSwaks } from '../swaks.ts'
import { type Arguments, lastValue, readAddress, readCount, readDurationMs, UsageError } from './arguments.ts'
import { mapConcurrent } from './map-concurrent.ts'
import { type FileResult, jsonOf, reportOf } from './report.ts'
import { findSources, type Source } from './sources.ts'

/** Longest wait for replies that the transcript does not have, however slow the server is. */
const maxExtraWaitMs = 1000
const minExtraWaitMs = 50
/** After this many failed connections in a row, no more are tried. */
const maxFailedConnections = 5

/** Runs `smtp-transcript replay`: replays transcripts against a server, prints the differences, returns the status. */
export async function replay(args: Arguments, print: (text: string) => void): Promise<number> {
  const timeoutMs = readDurationMs(args, 'timeout', 5_000)
  const server = serverOf(args, timeoutMs)
  const implicitTls = args.values.has('tls')
  const jobs = readCount(args, 'jobs', 1)
  const declaredConditions = declaredOf(args)
  const users = args.values.get('user') ?? []
  if (users.some(user => !user.includes(':'))) throw new UsageError('--user must be NAME:PASSWORD')
  const transcripts = findSources(args.operands).map(source => ({ source, transcript: read(source) }))
  const capabilities = await probe(args, server, implicitTls, timeoutMs)
  const serverUnderTest: ServerUnderTest = { capabilities, declaredConditions, implicitTls, users, timeoutMs }
  const extraWaitMs = Math.min(maxExtraWaitMs, Math.max(minExtraWaitMs, 2 * capabilities.replyMs))
  const options = { server, implicitTls, timeoutMs, extraWaitMs }
  const progress = new Progress(process.stderr, 'transcripts')
  const counts = { done: 0, differing: 0 }
  let failedConnections = 0
  const play = async (transcript: Transcript): Promise<ReplayOutcome> => {
    const reason = skipReason(transcript, serverUnderTest)
    if (reason !== undefined) return { type: 'skipped', reason }
    if (failedConnections >= maxFailedConnections)
      return { type: 'skipped', reason: 'the server can no longer be reached' }
    try {
      const outcome = await replayTranscript(transcript, options)
      failedConnections = 0
      return outcome
    } catch (error) {
      failedConnections += 1
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
    outcome.type === 'differs' || (outcome.type === 'other code' && args.values.has('strict'))
  print(args.values.has('json') ? jsonOf(results) : reportOf(results, fails))
  return results.some(fails) ? 1 : 0
}

/** Reads a transcript and checks its conditions, so that an invalid file ends the program before it connects. */
function read({ text, bytes, path }: Source): Transcript {
  const about = { file: path, title: `The dialogue of swaks in ${basename(path)}`, spec: 'RFC 5321' }
  const transcript = isSwaks(text) ? readSwaks(bytes, about, true) : readTranscript(text, path)
  readConditions(transcript.conditions)
  return transcript
}

function serverOf(args: Arguments, connectTimeoutMs: number): RemoteServer {
  const { host, port } = readAddress(args, 'server')
  const name = lastValue(args, 'tls-name')
  const ca = lastValue(args, 'ca')
  const trust = ca === undefined ? { rejectUnauthorized: false } : { ca: readFileSync(ca) }
  return {
    host,
    port,
    connectTimeoutMs,
    tls: { ...trust, ...(name === undefined ? {} : { servername: name }) },
  }
}

function declaredOf(args: Arguments): string {
  const declared = lastValue(args, 'with') ?? ''
  try {
    readConditions(declared)
  } catch (error) {
    throw new UsageError(`--with: ${(error as Error).message}`)
  }
  return declared
}

async function probe(
  args: Arguments,
  server: RemoteServer,
  implicitTls: boolean,
  timeoutMs: number,
): Promise<Capabilities> {
  try {
    return await readCapabilities(server, implicitTls, timeoutMs)
  } catch (error) {
    throw new Error(`${lastValue(args, 'server')}: ${(error as Error).message}`)
  }
}

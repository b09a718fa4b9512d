#!/usr/bin/env node
/** The program: what it is told, what it says, signals and exit codes. */
import { readFileSync } from 'node:fs'
import { assemble } from './assembly.ts'
import { limitConnections } from './connection-limit.ts'
import { argumentsOfFirst, askHealth } from './health.ts'
import { ensureHome } from './home-directory.ts'
import { bind } from './listening.ts'
import {
  looksOf,
  nonBlocking,
  openInstruments,
  type StreamWriters,
  streamWriters,
} from './operations/index.ts'
import { helpText, type ListenAddress, type Parsed, parse, type Settings } from './options.ts'
import { checkReport, checkWarnings } from './report.ts'
import { lookAhead, serve } from './serving.ts'
import { obeySignals } from './signals.ts'
import { farewell, welcome } from './welcome.ts'

// Who reads the help with `head` has seen enough.
process.stdout.on('error', () => {})

ensureHome()

const given = process.argv.slice(2)
// In a container this is another process than the one to ask for, and does not have its arguments.
const first = given.includes('--health') ? argumentsOfFirst(process.argv[1]!) : []
const parsed = parse([...first, ...given], process.env)
switch (parsed.type) {
  case 'help':
    process.stdout.write(helpText())
    break
  case 'version':
    process.stdout.write(`${version()}\n`)
    break
  case 'usage':
    // The Go program says it first; the help is longer than a screen, so it is said last, too.
    process.stderr.write(`${parsed.message}\n${helpText()}\n${parsed.message}\n`)
    process.exitCode = 2
    break
  case 'conflict':
    process.stderr.write(`${parsed.message}\n`)
    process.exitCode = 1
    break
  case 'settings':
    void start(parsed)
}

async function start(parsed: Extract<Parsed, { type: 'settings' }>): Promise<void> {
  if (parsed.health) return tellHealth(parsed.settings)
  const settings = limitConnections(parsed.settings)
  const { stdout, stderr } = process
  const looks = looksOf(settings.log, stdout, stderr)
  const writers = streamWriters(nonBlocking(stdout), nonBlocking(stderr), looks)
  try {
    for (const warning of settings.warnings) writers.err(`${warning}\n`)
    if (parsed.check) return await report(settings, writers)
    if (settings.workers === 1) return await serveAlone(settings, writers)
    const { lead } = await import('./workers/primary.ts')
    await lead(settings, writers, version())
  } catch (error) {
    writers.err(`${(error as Error).message}\n`)
    await end(1, writers)
  }
}

/** Ends the process when its output was taken, or after a second. */
async function end(code: number, writers: StreamWriters): Promise<never> {
  await writers.flush()
  process.exit(code)
}

async function tellHealth(settings: Settings): Promise<never> {
  const { healthy, sentence } = await askHealth(settings)
  process.stdout.write(`${sentence}\n`)
  process.exit(healthy ? 0 : 1)
}

/** Everything can be opened; what is left is what only the backend knows. */
async function report(settings: Settings, writers: StreamWriters): Promise<never> {
  const note = (text: string) => writers.err(`${text}\n`)
  const { relay, certificate, messageBytes } = await assemble(settings, { note })
  const findings = { certificate, messageBytes, backend: (await relay.check?.()) ?? [] }
  for (const warning of checkWarnings(findings)) note(warning)
  writers.out([...checkReport(settings, findings), ''].join('\n'))
  return end(0, writers)
}

async function serveAlone(settings: Settings, writers: StreamWriters): Promise<void> {
  const note = (text: string) => writers.err(`${text}\n`)
  const begun = Promise.resolve().then(() => begin(settings, writers, note))
  // Mail may come before all addresses are open, and as the first process of a container nothing else minds SIGTERM.
  obeySignals({
    reload: () => void begun.then(({ reloadCertificate }) => reloadCertificate()),
    stop: signal =>
      void begun.then(({ server, watched }) => {
        watched?.instruments.readiness.drain()
        writers.err(farewell(server.connections, settings, signal))
        void server.close(settings.drainTimeoutMs).then(() => end(0, writers))
      }),
    abort: () => process.exit(1),
  })
  const { relay, listening, watched } = await begun
  writers.err(welcome(settings, listening, version(), watched?.address))
  lookAhead(relay, note)
}

async function begin(settings: Settings, writers: StreamWriters, note: (text: string) => void) {
  const watched = settings.admin && (await openToOperator(settings, settings.admin))
  return { ...(await serve(settings, writers, note, watched?.instruments)), watched }
}

/** Health and metrics of this process, over HTTP until it ends. What only they need is loaded here. */
async function openToOperator(settings: Settings, address: ListenAddress) {
  const instruments = await openInstruments(settings.relay)
  const { openAdmin } = await import('./operations/admin.ts')
  const { expose, statusMetrics } = await import('./operations/status.ts')
  const reasons = () => instruments.readiness.reasons()
  const isReady = async () => (await reasons()).length === 0
  const status = await statusMetrics({ version: version(), relay: settings.relay, isReady })
  const metrics = () => expose(status, instruments.metrics.registry)
  const port = await bind(address, () => openAdmin(address, { reasons, metrics }))
  return { instruments, address: { ...address, port } }
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
}

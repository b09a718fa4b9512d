#!/usr/bin/env node
/** The program: what it is told, what it says, signals and exit codes. */
import { readFileSync } from 'node:fs'
import { limitConnections } from './config/connection-limit.ts'
import { helpText, type ListenAddress, type Parsed, parse, type Settings } from './config/index.ts'
import {
  createLogSink,
  createMonitoring,
  formatsFor,
  nonBlocking,
  type StreamLogSink,
} from './operations/index.ts'
import { checkReport, checkWarnings } from './program/check-report.ts'
import { argumentsOfPid1, probe } from './program/health-probe.ts'
import { ensureHome } from './program/home-directory.ts'
import { listenOrExplain } from './program/listen.ts'
import { disableSdkVersionWarning } from './program/sdk-warning.ts'
import { serve, warnIfUpstreamUnavailable } from './program/serve.ts'
import { handleSignals } from './program/signals.ts'
import { shutdownMessage, startupMessage } from './program/startup-messages.ts'
import { buildServer } from './server.ts'

// Who reads the help with `head` has seen enough.
process.stdout.on('error', () => {})

ensureHome()
// Workers inherit the environment.
disableSdkVersionWarning()

const given = process.argv.slice(2)
// In a container this is another process than the one to ask for, and does not have its arguments.
const first = given.includes('--health') ? argumentsOfPid1(process.argv[1]!) : []
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
  const looks = formatsFor(settings.logFormat, stdout, stderr)
  const writers = createLogSink(nonBlocking(stdout), nonBlocking(stderr), looks)
  try {
    for (const warning of settings.warnings) writers.err(`${warning}\n`)
    if (parsed.check) return await report(settings, writers)
    if (settings.workers === 1) return await serveAlone(settings, writers)
    const { runPrimary } = await import('./program/workers/primary.ts')
    await runPrimary(settings, writers, version())
  } catch (error) {
    writers.err(`${(error as Error).message}\n`)
    await end(1, writers)
  }
}

/** Ends the process when its output was taken, or after a second. */
async function end(code: number, writers: StreamLogSink): Promise<never> {
  await writers.flush()
  process.exit(code)
}

async function tellHealth(settings: Settings): Promise<never> {
  const { healthy, sentence } = await probe(settings)
  process.stdout.write(`${sentence}\n`)
  process.exit(healthy ? 0 : 1)
}

/** Everything can be opened; what is left is what only the backend knows. */
async function report(settings: Settings, writers: StreamLogSink): Promise<never> {
  const onNotice = (text: string) => writers.err(`${text}\n`)
  const { relay, certificate, messageBytes } = await buildServer(settings, { onNotice })
  const findings = { certificate, messageBytes, backend: (await relay.check?.()) ?? [] }
  for (const warning of checkWarnings(findings)) onNotice(warning)
  writers.out([...checkReport(settings, findings), ''].join('\n'))
  return end(0, writers)
}

async function serveAlone(settings: Settings, writers: StreamLogSink): Promise<void> {
  const note = (text: string) => writers.err(`${text}\n`)
  const begun = Promise.resolve().then(() => begin(settings, writers, note))
  // Mail may come before all addresses are open, and as the first process of a container nothing else minds SIGTERM.
  handleSignals({
    reload: () => void begun.then(({ reloadCertificate }) => reloadCertificate()),
    stop: signal =>
      void begun.then(({ server, watched }) => {
        watched?.instruments.readiness.drain()
        writers.err(shutdownMessage(server.connections, settings, signal))
        void server.close(settings.drainTimeoutMs).then(() => end(0, writers))
      }),
    abort: () => process.exit(1),
  })
  const { relay, listening, watched } = await begun
  writers.err(startupMessage(settings, listening, version(), watched?.address))
  warnIfUpstreamUnavailable(relay, note)
}

async function begin(settings: Settings, writers: StreamLogSink, note: (text: string) => void) {
  const watched = settings.admin && (await startAdminServer(settings, settings.admin))
  return { ...(await serve(settings, writers, note, watched?.instruments)), watched }
}

/** Health and metrics of this process, over HTTP until it ends. What only they need is loaded here. */
async function startAdminServer(settings: Settings, address: ListenAddress) {
  const instruments = await createMonitoring(settings.relay)
  const { openAdmin } = await import('./operations/admin.ts')
  const { renderMetrics, buildInfoMetrics } = await import('./operations/build-info.ts')
  const notReadyReasons = () => instruments.readiness.notReadyReasons()
  const isReady = async () => (await notReadyReasons()).length === 0
  const status = await buildInfoMetrics({ version: version(), relay: settings.relay, isReady })
  const metrics = () => renderMetrics(status, instruments.metrics.registry)
  const port = await listenOrExplain(address, () => openAdmin(address, { notReadyReasons, metrics }))
  return { instruments, address: { ...address, port } }
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
}

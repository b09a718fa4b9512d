#!/usr/bin/env node
/** The program `aws-smtp-relay`: arguments, output, signals, exit codes. */
import {
  helpText,
  type ListenAddress,
  limitConnections,
  type Parsed,
  parse,
  type Settings,
} from './config/index.ts'
import {
  createLogSink,
  createMonitoring,
  eventLog,
  formatsFor,
  type Monitoring,
  nonBlocking,
  type StreamLogSink,
} from './operations/index.ts'
import { processStatus, startAdminServer } from './program/admin-server.ts'
import { checkReport, checkWarnings } from './program/check-report.ts'
import { countdown, exitAfterFlush } from './program/exit.ts'
import { argumentsOfPid1, probe } from './program/health-probe.ts'
import { ensureHome } from './program/home-directory.ts'
import { disableSdkVersionWarning } from './program/sdk-warning.ts'
import { type RunningServer, serve, warnIfUpstreamUnavailable } from './program/serve.ts'
import { handleSignals } from './program/signals.ts'
import { shutdownMessage, startupMessage } from './program/startup-messages.ts'
import { buildServer } from './server.ts'
import { version } from './support/version.ts'

// `aws-smtp-relay --help | head` closes the pipe early; that is no error.
process.stdout.on('error', () => {})

ensureHome()
// Workers inherit the environment.
disableSdkVersionWarning()

const args = process.argv.slice(2)
// In a container, the health check is another process than the server, and is started without the server's arguments.
const serverArgs = args.includes('--healthcheck') ? argumentsOfPid1(process.argv[1]!) : []
const parsed = parse([...serverArgs, ...args], process.env)
switch (parsed.type) {
  case 'help':
    process.stdout.write(helpText())
    break
  case 'version':
    process.stdout.write(`${version()}\n`)
    break
  case 'usage':
    // First as in the Go program, and again at the end, because the help is longer than a screen.
    process.stderr.write(`${parsed.message}\n${helpText()}\n${parsed.message}\n`)
    process.exitCode = 2
    break
  case 'error':
    process.stderr.write(`${parsed.message}\n`)
    process.exitCode = 1
    break
  case 'settings':
    void run(parsed)
}

async function run(parsed: Extract<Parsed, { type: 'settings' }>): Promise<void> {
  if (parsed.healthcheck) return runHealthProbe(parsed.settings)
  const settings = limitConnections(parsed.settings)
  const { stdout, stderr } = process
  const formats = formatsFor(settings.logFormat, stdout, stderr)
  const sink = createLogSink(nonBlocking(stdout), nonBlocking(stderr), formats)
  try {
    for (const warning of settings.warnings) sink.err(`${warning}\n`)
    if (parsed.check) return await runCheck(settings, sink)
    if (settings.workers === 1) return await runAlone(settings, sink)
    const { runPrimary } = await import('./program/workers/primary.ts')
    await runPrimary(settings, sink)
  } catch (error) {
    sink.err(`${(error as Error).message}\n`)
    await exitAfterFlush(sink, 1)
  }
}

async function runHealthProbe(settings: Settings): Promise<never> {
  const { healthy, sentence } = await probe(settings)
  process.stdout.write(`${sentence}\n`)
  process.exit(healthy ? 0 : 1)
}

/** `--check`: opens everything but the addresses, and asks the backend for what only the backend knows. */
async function runCheck(settings: Settings, sink: StreamLogSink): Promise<never> {
  const onEvent = eventLog(sink, settings)
  const { relay, certificate, messageBytes } = await buildServer(settings, { onEvent })
  const results = { certificate, messageBytes, backend: (await relay.check?.()) ?? [] }
  for (const warning of checkWarnings(results)) sink.err(`${warning}\n`)
  sink.out([...checkReport(settings, results), ''].join('\n'))
  return exitAfterFlush(sink, 0)
}

/** Serves with this process alone, without workers. */
async function runAlone(settings: Settings, sink: StreamLogSink): Promise<void> {
  const onEvent = eventLog(sink, settings)
  // Signals are handled before the first address is open: messages may come before the last one is, and as the first
  // process of a container, this one would not be ended by a SIGTERM without a handler.
  const starting = Promise.resolve().then(() => start(settings, onEvent))
  const whenStarted = (action: (started: Started) => void) => void starting.then(action, () => {})
  handleSignals({
    reload: () => whenStarted(({ reloadCertificate }) => reloadCertificate()),
    stop: signal => whenStarted(started => void stop(started, settings, sink, signal)),
    abort: () => process.exit(1),
  })
  const started = await starting
  sink.err(startupMessage(settings, started.listening, version(), started.adminAddress))
  warnIfUpstreamUnavailable(started, onEvent)
}

interface Started extends RunningServer {
  readonly monitoring?: Monitoring
  readonly adminAddress?: ListenAddress
}

async function start(settings: Settings, onEvent: ReturnType<typeof eventLog>): Promise<Started> {
  if (settings.admin === undefined) return serve(settings, onEvent)
  const monitoring = await createMonitoring(settings.relay)
  const adminAddress = await startAdminServer(settings.admin, await processStatus(monitoring, settings.relay))
  return { ...(await serve(settings, onEvent, monitoring)), monitoring, adminAddress }
}

/** Lets messages in flight finish, and then writes what is left of the log; both within `--drain-timeout`. */
async function stop(
  { server, monitoring }: Started,
  settings: Settings,
  sink: StreamLogSink,
  signal: NodeJS.Signals,
): Promise<never> {
  const remainingMs = countdown(settings.drainTimeoutMs)
  monitoring?.readiness.drain()
  sink.err(shutdownMessage(server.connections, settings, signal))
  await server.close(settings.drainTimeoutMs)
  return exitAfterFlush(sink, 0, remainingMs())
}

/** The program of a worker process. The primary has started it with its own arguments, and tells it what to do. */
import cluster from 'node:cluster'
import { limitConnections, parse } from '../../config/index.ts'
import {
  createLogSink,
  createMonitoring,
  eventLog,
  type Monitoring,
  type RelayEvent,
  type StreamLogSink,
} from '../../operations/index.ts'
import { countdown, exitAfterFlush } from '../exit.ts'
import { type RunningServer, serve, warnIfUpstreamUnavailable } from '../serve.ts'
import type { PrimaryMessage, WorkerMessage } from './messages.ts'
import { shareOf } from './share.ts'

/** Settles when the server listens on every address; `undefined` before the primary has sent `serve`. */
let starting: Promise<RunningServer> | undefined
/** Only with `--admin`. */
let monitoring: Monitoring | undefined
let sink: StreamLogSink | undefined
let drainTimeoutMs = 0

// A terminal or an init system sends these to every process. The primary passes on what they mean, once.
for (const signal of ['SIGHUP', 'SIGTERM', 'SIGINT'] as const) process.on(signal, () => {})

// By default Node.js ends a worker when its primary has died. This property prevents that, so that messages in flight can
// finish.
cluster.worker!.exitedAfterDisconnect = true
process.on('disconnect', stop)

process.on('message', (message: PrimaryMessage) => {
  switch (message.type) {
    case 'serve':
      starting = start(message)
      starting.then(announce, fail)
      break
    case 'reload':
      starting?.then(
        ({ reloadCertificate }) => reloadCertificate(),
        () => {},
      )
      break
    case 'inspect':
      void inspect(message)
      break
    case 'ping':
      send({ type: 'pong' })
      break
    case 'stop':
      void stop()
  }
})

send({ type: 'ready' })

async function start({ slot, formats }: Extract<PrimaryMessage, { type: 'serve' }>): Promise<RunningServer> {
  const parsed = parse(process.argv.slice(2), process.env)
  // The primary has parsed the same arguments, and would not have started a worker otherwise.
  if (parsed.type !== 'settings') throw new Error('the settings have changed')
  const settings = shareOf(limitConnections(parsed.settings), slot)
  drainTimeoutMs = settings.drainTimeoutMs
  if (settings.admin !== undefined) monitoring = await createMonitoring(settings.relay)
  sink = createLogSink(process.stdout, process.stderr, formats)
  const log = eventLog(sink, settings)
  return serve(settings, event => (event.type === 'notice' ? sendNotice(event) : log(event)), monitoring)
}

function announce(running: RunningServer): void {
  send({ type: 'listening', ports: running.listening.map(({ port }) => port) })
  warnIfUpstreamUnavailable(running, event => event.type === 'notice' && sendNotice(event))
}

/** Notices go to the primary, which writes each once for all workers. */
function sendNotice({ text }: Extract<RelayEvent, { type: 'notice' }>): void {
  send({ type: 'notice', text })
}

async function fail(error: Error): Promise<void> {
  send({ type: 'failed', message: error.message })
  await exit(1)
}

async function inspect({ number, metrics }: Extract<PrimaryMessage, { type: 'inspect' }>): Promise<void> {
  if (monitoring === undefined) return
  const [reasons, snapshot] = await Promise.all([
    monitoring.readiness.notReadyReasons(),
    metrics ? monitoring.metrics.registry.getMetricsAsJSON() : undefined,
  ])
  send({ type: 'status', number, reasons, metrics: snapshot })
}

/**
 * Lets messages in flight finish, and exits. A message may be in flight while the last addresses are not open yet, so this
 * waits for the start to finish.
 */
async function stop(): Promise<void> {
  monitoring?.readiness.drain()
  const running = await starting?.catch(() => undefined)
  const remainingMs = countdown(drainTimeoutMs)
  send({ type: 'stopping', clients: running?.server.connections ?? 0 })
  await running?.server.close(drainTimeoutMs)
  await exit(0, remainingMs())
}

async function exit(code: number, ms?: number): Promise<void> {
  if (sink === undefined) process.exit(code)
  await exitAfterFlush(sink, code, ms)
}

function send(message: WorkerMessage): void {
  // The primary may have died; then there is nothing to tell.
  if (process.connected) process.send!(message, () => {})
}

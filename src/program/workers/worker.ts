/** The program of a worker: it serves as it is told to by the primary, which has started it with its own arguments. */
import cluster from 'node:cluster'
import { limitConnections, parse } from '../../config/index.ts'
import {
  createLogSink,
  createMonitoring,
  type Monitoring,
  type StreamLogSink,
} from '../../operations/index.ts'
import { type RunningServer, serve, warnIfUpstreamUnavailable } from '../serve.ts'
import type { PrimaryMessage, WorkerMessage } from './messages.ts'
import { shareOf } from './share.ts'

let serving: RunningServer | undefined
/** Where the operator wants to see something. */
let instruments: Monitoring | undefined
let writers: StreamLogSink | undefined
let drainMs = 0

// A terminal and an init system send them to every process: what they mean comes from the primary, and once.
for (const signal of ['SIGHUP', 'SIGTERM', 'SIGINT'] as const) process.on(signal, () => {})

// When the primary dies Node would end this process in the middle of mails, unless it takes that for its own wish.
cluster.worker!.exitedAfterDisconnect = true
process.on('disconnect', stop)

process.on('message', (order: PrimaryMessage) => {
  switch (order.type) {
    case 'serve':
      begin(order).catch(async (error: Error) => {
        report({ type: 'failed', message: error.message })
        await end(1)
      })
      break
    case 'reload':
      serving?.reloadCertificate()
      break
    case 'inspect':
      void inspect(order)
      break
    case 'ping':
      report({ type: 'pong' })
      break
    case 'stop':
      report({ type: 'stopping', clients: serving?.server.connections ?? 0 })
      void stop()
  }
})

report({ type: 'ready' })

async function begin({ seat, looks }: Extract<PrimaryMessage, { type: 'serve' }>): Promise<void> {
  const parsed = parse(process.argv.slice(2), process.env)
  // The primary has read the same, and would not have come here with anything else.
  if (parsed.type !== 'settings') throw new Error('the settings have changed')
  const settings = shareOf(limitConnections(parsed.settings), seat)
  drainMs = settings.drainTimeoutMs
  const note = (text: string) => report({ type: 'note', text })
  if (settings.admin !== undefined) instruments = await createMonitoring(settings.relay)
  writers = createLogSink(process.stdout, process.stderr, looks)
  serving = await serve(settings, writers, note, instruments)
  report({ type: 'listening', ports: serving.listening.map(({ port }) => port) })
  warnIfUpstreamUnavailable(serving.relay, note)
}

async function inspect({ number, metrics }: Extract<PrimaryMessage, { type: 'inspect' }>): Promise<void> {
  if (instruments === undefined) return
  const [reasons, snapshot] = await Promise.all([
    instruments.readiness.notReadyReasons(),
    metrics ? instruments.metrics.registry.getMetricsAsJSON() : undefined,
  ])
  report({ type: 'seen', number, reasons, metrics: snapshot })
}

async function stop(): Promise<void> {
  instruments?.readiness.drain()
  await serving?.server.close(drainMs)
  await end(0)
}

/** Ends the process when what it has written is taken, or after a while. */
async function end(code: number): Promise<never> {
  await writers?.flush()
  process.exit(code)
}

function report(message: WorkerMessage): void {
  // The primary may be gone; then nobody has to know.
  if (process.connected) process.send!(message, () => {})
}

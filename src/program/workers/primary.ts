/** The primary process with `--workers`: it serves no client itself, but runs the workers, and speaks for all of them. */
import cluster from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ListenAddress, Settings } from '../../config/index.ts'
import type { StreamLogSink } from '../../operations/index.ts'
import { maxTimerMs } from '../../support/clock.ts'
import { version } from '../../support/version.ts'
import { startAdminServer } from '../admin-server.ts'
import { countdown, exitAfterFlush } from '../exit.ts'
import { handleSignals } from '../signals.ts'
import { shutdownMessage, startupMessage } from '../startup-messages.ts'
import type { ClusterStatus } from './cluster-status.ts'
import { pingMs } from './heartbeat.ts'
import type { WorkerSlot } from './share.ts'
import { dedupe } from './worker-output.ts'
import { forkWorker, type WorkerOutput, type WorkerProcess } from './worker-process.ts'

/** Milliseconds that workers may take to report how many clients they have. */
const countMs = 1_000
/** Milliseconds, beyond `--drain-timeout`, that workers may take to end: connections get some seconds to close. */
const endMs = 10_000

/**
 * Starts the workers, and resolves when they serve. First one worker starts alone: what prevents it from serving would
 * prevent all of them.
 * @throws Error with a sentence for the operator if the first worker cannot serve
 */
export async function runPrimary(settings: Settings, sink: StreamLogSink): Promise<void> {
  // Round-robin, since the workers have equal shares of the limits. If the kernel distributes connections (SCHED_NONE), one
  // of 4 workers was seen with none of 16 clients that stay. Round-robin costs 0.1 ms of CPU more per connection (0.35
  // against 0.25 for one with a message of 1 kB, 2 workers, 2 cores), and nothing for a client that stays. And no worker
  // owns a port.
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({
    exec: fileURLToPath(new URL('worker.js', import.meta.url)),
    args: process.argv.slice(2),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const notify = (text: string) => sink.err(`${text}\n`)
  const output: WorkerOutput = { sink, onNotice: dedupe(notify) }
  const workers = new Set<WorkerProcess>()
  const stopping = new AbortController()
  let status: ClusterStatus | undefined
  let adminAddress: ListenAddress | undefined
  // Before anything else, because the start may take long, and as the first process of a container, this one would not be
  // ended by a SIGTERM without a handler.
  handleSignals({
    reload() {
      for (const worker of workers) worker.send({ type: 'reload' })
    },
    stop: signal => void stop(signal),
    abort() {
      killAll()
      process.exit(1)
    },
  })
  if (settings.admin !== undefined) {
    const { createClusterStatus } = await import('./cluster-status.ts')
    status = await createClusterStatus(settings.workers, settings.relay)
    adminAddress = await startAdminServer(settings.admin, status)
  }

  function startWorker(slot: WorkerSlot): WorkerProcess {
    const worker = forkWorker(slot, output)
    workers.add(worker)
    status?.add(worker, slot.number)
    void worker.ended.then(() => workers.delete(worker))
    return worker
  }

  /** Replaces each worker of the slot that ends, until the program shuts down. */
  async function superviseSlot(slot: WorkerSlot, firstWorker: WorkerProcess): Promise<void> {
    let deaths = 0
    for (let worker = firstWorker; ; worker = startWorker(slot)) {
      const { sentence, livedMs } = await worker.ended
      if (stopping.signal.aborted) return
      if (livedMs >= stableAfterMs) deaths = 0
      const delayMs = restartDelayMs(deaths++)
      notify(`${sentence}; restarting ${delayMs === 0 ? 'now' : `in ${delayMs} ms`}`)
      await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted) return
    }
  }

  async function stop(signal: NodeJS.Signals): Promise<void> {
    const remainingMs = countdown(settings.drainTimeoutMs)
    stopping.abort()
    status?.drain()
    for (const worker of workers) worker.send({ type: 'stop' })
    const late = sleep(countMs, 0)
    const counts = await Promise.all([...workers].map(worker => Promise.race([worker.stopping, late])))
    const clients = counts.reduce((sum, count) => sum + count, 0)
    sink.err(shutdownMessage(clients, settings, signal))
    const allEnded = Promise.all([...workers].map(worker => worker.ended))
    const inTime = await Promise.race([
      allEnded.then(() => true),
      sleep(Math.min(settings.drainTimeoutMs + endMs, maxTimerMs), false),
    ])
    if (!inTime) {
      const seconds = (settings.drainTimeoutMs + endMs) / 1000
      notify(
        `${workers.size} of ${settings.workers} workers have not ended within ${seconds} s and were killed`,
      )
    }
    killAll()
    await exitAfterFlush(sink, inTime ? 0 : 1, remainingMs())
  }

  function killAll(): void {
    for (const worker of workers) worker.kill()
  }

  // A worker that hangs would accept connections and never send a greeting.
  const pings = setInterval(() => {
    for (const worker of workers) worker.ping()
  }, pingMs)
  stopping.signal.addEventListener('abort', () => clearInterval(pings))

  const slots = Array.from({ length: settings.workers }, (_, number) => ({ number, of: settings.workers }))
  const firstWorker = startWorker(slots[0]!)
  const ports = await firstWorker.listening.catch((error: Error) => {
    // A worker that was told to stop may end before it listens; then `stop` ends the program.
    if (!stopping.signal.aborted) throw error
  })
  if (ports === undefined || stopping.signal.aborted) return
  const started = slots.map(slot => (slot.number === 0 ? firstWorker : startWorker(slot)))
  for (const [number, worker] of started.entries()) void superviseSlot(slots[number]!, worker)
  // A worker that cannot start now is replaced; the others serve.
  await Promise.allSettled(started.map(worker => worker.listening))
  if (stopping.signal.aborted) return
  const listening = settings.listen.map((address, i) => ({ ...address, port: ports[i]! }))
  sink.err(startupMessage(settings, listening, version(), adminAddress))
}

/** A worker that has lived for this many milliseconds did not end because of how it was started. */
const stableAfterMs = 60_000
const firstDelayMs = 100
const maxDelayMs = 30_000

/** Returns the milliseconds to wait before a worker is restarted. @param deaths deaths of its slot in a row, before this one */
export function restartDelayMs(deaths: number): number {
  return deaths === 0 ? 0 : Math.min(maxDelayMs, firstDelayMs * 2 ** (deaths - 1))
}

/** The primary: it serves nobody itself, but keeps workers that do, and speaks for all of them. */
import cluster from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ListenAddress, Settings } from '../../config/index.ts'
import type { StreamLogSink } from '../../operations/index.ts'
import { maxTimerMs } from '../../support/clock.ts'
import { listenOrExplain } from '../listen.ts'
import { handleSignals } from '../signals.ts'
import { shutdownMessage, startupMessage } from '../startup-messages.ts'
import { dedupe } from './dedupe-notices.ts'
import { pingMs } from './heartbeat.ts'
import { restartDelayMs, stableAfterMs } from './restart-backoff.ts'
import type { WorkerSlot } from './share.ts'
import { forkWorker, type WorkerOutput, type WorkerProcess } from './worker-process.ts'

/** How long workers may take to say how many clients they have. */
const countMs = 1_000
/** How long, beyond the time for running mails, they may take to end: connections get some seconds to close. */
const endMs = 10_000

/**
 * Starts the workers, and returns when they serve. The first one alone tries whether the program can serve at all:
 * what fails there would fail in each of them.
 * @throws Error with a sentence for the operator when the first worker cannot serve
 */
export async function runPrimary(settings: Settings, writers: StreamLogSink, version: string): Promise<void> {
  // Connections in turn, since workers have equal shares of the limits: where the kernel deals (SCHED_NONE), one of 4
  // workers was seen with none of 16 clients that stay. It costs 0.1 ms of CPU more for each connection (0.35 against
  // 0.25 for one with a mail of 1 kB, 2 workers, 2 cores), and for a client that stays nothing. And no worker holds a port.
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({
    exec: fileURLToPath(new URL('worker.js', import.meta.url)),
    args: process.argv.slice(2),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const say = (text: string) => writers.err(`${text}\n`)
  const ears: WorkerOutput = { writers, onNotice: dedupe(say) }
  const living = new Set<WorkerProcess>()
  const stopping = new AbortController()
  let watched: Awaited<ReturnType<typeof startAdminServer>> | undefined
  // As the first process of a container nothing else minds SIGTERM, and the start may take its time.
  handleSignals({
    reload() {
      for (const worker of living) worker.tell({ type: 'reload' })
    },
    stop: signal => void stop(signal),
    abort() {
      killAll()
      process.exit(1)
    },
  })
  if (settings.admin !== undefined) watched = await startAdminServer(settings, settings.admin, version)

  function start(seat: WorkerSlot): WorkerProcess {
    const worker = forkWorker(seat, ears)
    living.add(worker)
    watched?.overview.add(worker, seat.number)
    void worker.ended.then(() => living.delete(worker))
    return worker
  }

  /** Puts another process in the place of one that died, until the program stops. */
  async function keep(seat: WorkerSlot, first: WorkerProcess): Promise<void> {
    let deaths = 0
    for (let worker = first; ; worker = start(seat)) {
      const { sentence, livedMs } = await worker.ended
      if (stopping.signal.aborted) return
      if (livedMs >= stableAfterMs) deaths = 0
      const ms = restartDelayMs(deaths++)
      say(`${sentence}; another one starts ${ms === 0 ? 'at once' : `in ${ms} ms`}`)
      await sleep(ms, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted) return
    }
  }

  async function stop(signal: NodeJS.Signals): Promise<void> {
    stopping.abort()
    watched?.overview.drain()
    for (const worker of living) worker.tell({ type: 'stop' })
    const late = sleep(countMs, 0)
    const counts = await Promise.all([...living].map(worker => Promise.race([worker.stopping, late])))
    const clients = counts.reduce((sum, count) => sum + count, 0)
    writers.err(shutdownMessage(clients, settings, signal))
    const allEnded = Promise.all([...living].map(worker => worker.ended))
    const inTime = await Promise.race([
      allEnded.then(() => true),
      sleep(Math.min(settings.drainTimeoutMs + endMs, maxTimerMs), false),
    ])
    if (!inTime) say(`Not all workers have ended within ${endMs / 1000} s more: the rest is killed`)
    killAll()
    await writers.flush()
    process.exit(inTime ? 0 : 1)
  }

  function killAll(): void {
    for (const worker of living) worker.kill()
  }

  // A worker that hangs would take connections and never greet them.
  const pings = setInterval(() => {
    for (const worker of living) worker.ping()
  }, pingMs)
  stopping.signal.addEventListener('abort', () => clearInterval(pings))

  const seats = Array.from({ length: settings.workers }, (_, number) => ({ number, of: settings.workers }))
  const trial = start(seats[0]!)
  const ports = await trial.listening.catch((error: Error) => {
    // Told to stop, it may end before it listens; then `stop` ends the program.
    if (!stopping.signal.aborted) throw error
  })
  if (ports === undefined || stopping.signal.aborted) return
  const workers = seats.map(seat => (seat.number === 0 ? trial : start(seat)))
  for (const [number, worker] of workers.entries()) void keep(seats[number]!, worker)
  // One that cannot start now is replaced; the others serve.
  await Promise.allSettled(workers.map(worker => worker.listening))
  if (stopping.signal.aborted) return
  const listening = settings.listen.map((address, i) => ({ ...address, port: ports[i]! }))
  writers.err(startupMessage(settings, listening, version, watched?.address))
}

/** Health and metrics of all workers, over HTTP until the program ends. What only they need is loaded here. */
async function startAdminServer({ workers, relay }: Settings, address: ListenAddress, version: string) {
  const { openAdmin } = await import('../../operations/admin.ts')
  const { createClusterStatus } = await import('./cluster-status.ts')
  const overview = await createClusterStatus(workers, version, relay)
  const port = await listenOrExplain(address, () => openAdmin(address, overview))
  return { overview, address: { ...address, port } }
}

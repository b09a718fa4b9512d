import cluster from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogSink } from '../../operations/index.ts'
import { passLines } from './forward-lines.ts'
import { Heartbeat, hungSeconds } from './heartbeat.ts'
import type { PrimaryMessage, StatusRequest, WorkerMessage, WorkerStatus } from './messages.ts'
import type { WorkerSlot } from './share.ts'

/** How long the last words of a process that has ended may take to be read. */
const readMs = 1_000
/** How long a worker may take to say how it is. */
const inspectMs = 800

/** One process that serves, as long as it lives. */
export interface WorkerProcess {
  /** Resolves with the ports once it listens on every address; rejects with a sentence if it ends before. */
  readonly listening: Promise<readonly number[]>
  /** Resolves with the clients that were connected when it was told to stop; with 0 if it ended without a word. */
  readonly stopping: Promise<number>
  /** Resolves when it has ended and all that it wrote was passed on. */
  readonly ended: Promise<Ending>
  tell(order: PrimaryMessage): void
  /** Asks for a sign of life, and kills the process if it has not answered for too long. */
  ping(): void
  /** It has not answered for some time. */
  readonly isSilent: boolean
  /** How it is; `undefined` where it does not say so in time. */
  inspect(wanted: StatusRequest): Promise<WorkerStatus | undefined>
  kill(): void
}

/** How a process ended. */
interface Ending {
  /** For example `Worker 2 (process 4711) was killed by SIGKILL`. */
  readonly sentence: string
  readonly livedMs: number
}

/** What the primary does with the words of its workers. */
export interface WorkerOutput {
  /** Lines of the log. */
  readonly writers: LogSink
  /** What more than one worker may have to say. */
  readonly onNotice: (text: string, seatNumber: number) => void
}

/** Starts a process for a seat. It serves as soon as it can. */
export function forkWorker(seat: WorkerSlot, { writers, onNotice }: WorkerOutput): WorkerProcess {
  const worker = cluster.fork()
  const { pid, stdout, stderr } = worker.process
  const begunAt = performance.now()
  const who = `Worker ${seat.number + 1}${pid === undefined ? '' : ` (process ${pid})`}`
  let fault: string | undefined
  let isHung = false
  const read = Promise.all([
    stdout ? passLines(stdout, writers.out) : undefined,
    stderr ? passLines(stderr, writers.err) : undefined,
  ])

  const ended = new Promise<Ending>(resolve => {
    const end = async (how: string) => {
      const livedMs = performance.now() - begunAt
      // A program that it has started may hold its streams open.
      await Promise.race([read, sleep(readMs)])
      const sentence = `${who} ${fault === undefined ? how : `cannot serve: ${fault}`}`
      resolve({ sentence, livedMs })
    }
    worker.on('exit', (code, signal) => {
      if (isHung) void end(`did not answer for ${hungSeconds} s and was killed`)
      else void end(signal ? `was killed by ${signal}` : `ended with exit code ${code}`)
    })
    // It could not be started, or not be told something; then it is gone, or about to be.
    worker.on('error', error => pid === undefined && end(`could not be started: ${error.message}`))
  })
  const endedFirst = ended.then(({ sentence }) => Promise.reject(new Error(fault ?? sentence)))
  const listening = Promise.race([first('listening').then(({ ports }) => ports), endedFirst])
  // Where somebody waits for it, he hears it; where nobody does, `ended` tells it.
  listening.catch(() => {})
  const stopping = Promise.race([first('stopping').then(({ clients }) => clients), ended.then(() => 0)])
  const ready = first('ready')
  const heartbeat = new Heartbeat()
  let isReady = false
  void ready.then(() => {
    isReady = true
    heartbeat.ready()
  })
  const inspections = new Map<number, (sight: WorkerStatus) => void>()
  let inspected = 0
  worker.on('message', (report: WorkerMessage) => {
    heartbeat.answer()
    if (report.type === 'failed') fault = report.message
    if (report.type === 'note') onNotice(report.text, seat.number)
    if (report.type === 'seen') inspections.get(report.number)?.(report)
  })
  tell({ type: 'serve', seat, looks: writers.formats })

  /** The first report of this type. */
  function first<T extends WorkerMessage['type']>(type: T): Promise<Extract<WorkerMessage, { type: T }>> {
    return new Promise(resolve =>
      worker.on('message', (report: WorkerMessage) => {
        if (report.type === type) resolve(report as Extract<WorkerMessage, { type: T }>)
      }),
    )
  }

  /** In the order of the calls; what is said before it is ready, it hears then. */
  function tell(order: PrimaryMessage): void {
    void ready.then(() => worker.isConnected() && worker.send(order, undefined, () => {}))
  }

  async function inspect(wanted: StatusRequest): Promise<WorkerStatus | undefined> {
    // It would be told one after the other of them when it hears at last.
    if (!isReady) return undefined
    const number = inspected++
    const seen = new Promise<WorkerStatus>(resolve => inspections.set(number, resolve))
    tell({ type: 'inspect', number, ...wanted })
    try {
      const late = sleep(inspectMs, undefined, { ref: false })
      return await Promise.race([seen, late, ended.then(() => undefined)])
    } finally {
      inspections.delete(number)
    }
  }

  function ping(): void {
    heartbeat.ping()
    // Pings that are sent before the process listens would wait, and then arrive all at once.
    if (isReady) tell({ type: 'ping' })
    if (!heartbeat.isHung) return
    isHung = true
    kill()
  }

  function kill(): void {
    worker.process.kill('SIGKILL')
  }

  return {
    listening,
    stopping,
    ended,
    tell,
    ping,
    get isSilent() {
      return heartbeat.isSilent
    },
    inspect,
    kill,
  }
}

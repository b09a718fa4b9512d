import cluster from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogSink } from '../../operations/index.ts'
import { Heartbeat, hungSeconds } from './heartbeat.ts'
import type { PrimaryMessage, StatusRequest, WorkerMessage, WorkerStatus } from './messages.ts'
import type { WorkerSlot } from './share.ts'
import { passLines } from './worker-output.ts'

/** Milliseconds that reading the output of a process may take after its end. */
const readMs = 1_000
/** Milliseconds that a worker may take to answer `inspect`. */
const inspectMs = 800

/** One worker process, from its start to its end. */
export interface WorkerProcess {
  /** Resolves with the ports once it listens on every address; rejects with an Error for the operator if it ends before. */
  readonly listening: Promise<readonly number[]>
  /** Resolves with its open connections when it was told to stop; with 0 if it ended without an answer. */
  readonly stopping: Promise<number>
  /** Resolves when it has ended and everything that it wrote was passed on. */
  readonly ended: Promise<Ending>
  send(message: PrimaryMessage): void
  /** Sends a ping. Kills the process if it has not answered for too long. */
  ping(): void
  /** True if it has not answered for some time. */
  readonly isSilent: boolean
  /** Returns its status; `undefined` if it does not answer in time. */
  inspect(request: StatusRequest): Promise<WorkerStatus | undefined>
  kill(): void
}

/** How a process ended. */
interface Ending {
  /** For example `Worker 2 (pid 4711) was killed by SIGKILL`. */
  readonly sentence: string
  readonly livedMs: number
}

/** Where the output of the workers goes. */
export interface WorkerOutput {
  /** Takes their log lines. */
  readonly sink: LogSink
  /** Called with each notice of a worker. Others may have the same. */
  readonly onNotice: (text: string, slotNumber: number) => void
}

/** Starts a worker process, and tells it to serve. */
export function forkWorker(slot: WorkerSlot, { sink, onNotice }: WorkerOutput): WorkerProcess {
  const worker = cluster.fork()
  const { pid, stdout, stderr } = worker.process
  const startedAt = performance.now()
  const name = `Worker ${slot.number + 1}${pid === undefined ? '' : ` (pid ${pid})`}`
  let failure: string | undefined
  let isHung = false
  const read = Promise.all([
    stdout ? passLines(stdout, sink.out) : undefined,
    stderr ? passLines(stderr, sink.err) : undefined,
  ])

  const ended = new Promise<Ending>(resolve => {
    const end = async (how: string) => {
      const livedMs = performance.now() - startedAt
      // A program that the worker has started may keep its streams open.
      await Promise.race([read, sleep(readMs)])
      const sentence = `${name} ${failure === undefined ? how : `cannot serve: ${failure}`}`
      resolve({ sentence, livedMs })
    }
    worker.on('exit', (code, signal) => {
      if (isHung) void end(`did not answer for ${hungSeconds} s and was killed`)
      else void end(signal ? `was killed by ${signal}` : `ended with exit code ${code}`)
    })
    // Either the process could not be started, or a message could not be sent to it because it is about to end.
    worker.on('error', error => pid === undefined && end(`could not be started: ${error.message}`))
  })
  const endedFirst = ended.then(({ sentence }) => Promise.reject(new Error(failure ?? sentence)))
  const listening = Promise.race([first('listening').then(({ ports }) => ports), endedFirst])
  // A rejection that no caller handles would end the primary. `ended` reports the same.
  listening.catch(() => {})
  const stopping = Promise.race([first('stopping').then(({ clients }) => clients), ended.then(() => 0)])
  const ready = first('ready')
  const heartbeat = new Heartbeat()
  let isReady = false
  void ready.then(() => {
    isReady = true
    heartbeat.ready()
  })
  const inspections = new Map<number, (status: WorkerStatus) => void>()
  let inspected = 0
  worker.on('message', (message: WorkerMessage) => {
    heartbeat.answer()
    if (message.type === 'failed') failure = message.message
    if (message.type === 'notice') onNotice(message.text, slot.number)
    if (message.type === 'status') inspections.get(message.number)?.(message)
  })
  send({ type: 'serve', slot, formats: sink.formats })

  /** Resolves with the first message of this type. */
  function first<T extends WorkerMessage['type']>(type: T): Promise<Extract<WorkerMessage, { type: T }>> {
    return new Promise(resolve =>
      worker.on('message', (message: WorkerMessage) => {
        if (message.type === type) resolve(message as Extract<WorkerMessage, { type: T }>)
      }),
    )
  }

  /** Sends messages in the order of the calls. They wait until the process is ready. */
  function send(message: PrimaryMessage): void {
    void ready.then(() => worker.isConnected() && worker.send(message, undefined, () => {}))
  }

  async function inspect(request: StatusRequest): Promise<WorkerStatus | undefined> {
    // Otherwise all requests that were made meanwhile would arrive at once when it is ready.
    if (!isReady) return undefined
    const number = inspected++
    const answered = new Promise<WorkerStatus>(resolve => inspections.set(number, resolve))
    send({ type: 'inspect', number, ...request })
    try {
      const late = sleep(inspectMs, undefined, { ref: false })
      return await Promise.race([answered, late, ended.then(() => undefined)])
    } finally {
      inspections.delete(number)
    }
  }

  function ping(): void {
    heartbeat.ping()
    // Pings that are sent before the process is ready would wait, and then arrive all at once.
    if (isReady) send({ type: 'ping' })
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
    send,
    ping,
    get isSilent() {
      return heartbeat.isSilent
    },
    inspect,
    kill,
  }
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { within } from '../support/deadline.ts'
import { RelayProcess, type Scope, temporaryDirectory, tlsArguments } from '../support/relay-process.ts'
import { SmtpClient } from '../support/smtp-client.ts'

/** The program with several workers. */
export class RelayCluster {
  readonly relay: RelayProcess
  readonly maildir: string
  readonly #count: number

  private constructor(relay: RelayProcess, maildir: string, count: number) {
    this.relay = relay
    this.maildir = maildir
    this.#count = count
  }

  static async start(
    scope: Scope,
    count: number,
    {
      relay = 'maildir',
      tls = false,
      args = [],
      env = {},
    }: {
      relay?: string
      tls?: boolean
      args?: readonly string[]
      env?: Readonly<Record<string, string>>
    } = {},
  ): Promise<RelayCluster> {
    const maildir = join(await temporaryDirectory(scope), 'maildir')
    const more = [...(tls ? tlsArguments : []), '--workers', String(count), ...args]
    const process = await RelayProcess.start(scope, {
      args: ['-r', relay, '--maildir', maildir, ...more],
      env,
      implicitTls: tls,
    })
    return new RelayCluster(process, maildir, count)
  }

  async client(): Promise<SmtpClient> {
    const wire = await SmtpClient.connect(this.relay.port)
    await wire.greet()
    return wire
  }

  /** The process that serves a client: its id is in the names of the files that it writes. */
  async pidServing(wire: SmtpClient): Promise<number> {
    const { text } = await wire.mail('x\r\n')
    return Number(/^250 2\.0\.0 Ok \d+\.M\d+P(\d+)Q/.exec(text)?.[1])
  }

  /** A client that another process serves than this one. */
  async clientOfAnotherWorker(pid: number): Promise<SmtpClient> {
    const search = async () => {
      for (;;) {
        const wire = await this.client()
        if ((await this.pidServing(wire)) !== pid) return wire
        wire.vanish()
      }
    }
    return within(search(), `another process than ${pid}`)
  }

  /** Sends mails until every living worker has taken one; gives their processes. */
  async reachAllWorkers(): Promise<Set<number>> {
    const met = new Set<number>()
    const search = async () => {
      while (met.size < this.#count) {
        // A worker that has just been killed may still be given a client.
        const wire = await this.client().catch(() => undefined)
        if (wire === undefined) continue
        met.add(await this.pidServing(wire))
        await wire.ask('QUIT')
        wire.vanish()
      }
    }
    await within(search(), `${this.#count} workers`, () => [...met].join())
    return met
  }
}

/** Waits until a process that is nobody's child here has ended. */
export async function processEnded(pid: number): Promise<void> {
  const look = async () => {
    while (isAlive(pid)) await sleep(10)
  }
  await within(look(), `process ${pid} to end`)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // What nobody has asked after yet is in the table still.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH' && process.platform !== 'linux'
  }
}

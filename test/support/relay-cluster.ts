import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { within } from './deadline.ts'
import { RelayProcess, tlsArguments } from './relay-process.ts'
import { SmtpClient } from './smtp-client.ts'
import { type Scope, temporaryDirectory } from './temporary-directory.ts'

/** A process of the program with several workers. */
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
    const client = await SmtpClient.connect(this.relay.port)
    await client.greet()
    return client
  }

  /** Returns the id of the process that serves a client, which is part of the file names that it writes. */
  async pidServing(client: SmtpClient): Promise<number> {
    const { text } = await client.mail('x\r\n')
    return Number(/^250 2\.0\.0 Ok \d+\.M\d+P(\d+)Q/.exec(text)?.[1])
  }

  /** Returns a client that is served by another process than this one. */
  async clientOfAnotherWorker(pid: number): Promise<SmtpClient> {
    const search = async () => {
      for (;;) {
        const client = await this.client()
        if ((await this.pidServing(client)) !== pid) return client
        client.vanish()
      }
    }
    return within(search(), `another process than ${pid}`)
  }

  /** Sends messages until each worker has accepted one. Returns their process ids. */
  async reachAllWorkers(): Promise<Set<number>> {
    const pids = new Set<number>()
    const search = async () => {
      while (pids.size < this.#count) {
        // A connection may still be passed to a worker that was just killed.
        const client = await this.client().catch(() => undefined)
        if (client === undefined) continue
        pids.add(await this.pidServing(client))
        await client.ask('QUIT')
        client.vanish()
      }
    }
    await within(search(), `${this.#count} workers`, () => [...pids].join())
    return pids
  }
}

/** Waits until a process that is not a child of this one has ended. */
export async function processEnded(pid: number): Promise<void> {
  const look = async () => {
    while (isAlive(pid)) await sleep(10)
  }
  await within(look(), `process ${pid} to end`)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A zombie is still in the process table.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH' && process.platform !== 'linux'
  }
}

import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { within } from '../support/deadline.ts'

/** A proxy in front of a server. It forwards requests, but holds the answers until they are released. */
export class HoldingProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #held: (() => void)[] = []
  #answered!: () => void
  /** Resolves when the first bytes of an answer have arrived. */
  readonly #firstAnswer = new Promise<void>(resolve => (this.#answered = resolve))

  private constructor(upstream: URL) {
    this.#server = createServer(client => {
      const server = connect(Number(upstream.port), upstream.hostname)
      for (const socket of [client, server]) {
        this.#sockets.add(socket)
        socket.on('error', () => {})
      }
      client.pipe(server)
      server.once('readable', () => this.#answered())
      this.#held.push(() => server.pipe(client))
    })
  }

  static async startBefore(endpoint: string): Promise<HoldingProxy> {
    const gate = new HoldingProxy(new URL(endpoint))
    await new Promise<void>(resolve => gate.#server.listen(0, '127.0.0.1', resolve))
    return gate
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async answerHeld(): Promise<void> {
    await within(this.#firstAnswer, 'an answer to hold')
  }

  release(): void {
    for (const release of this.#held.splice(0)) release()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

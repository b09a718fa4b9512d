import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { plain } from '../../src/auth/index.ts'
import { defaultLimits, defaultSettings, type Host, type SessionSettings } from '../../src/protocol/index.ts'
import type { EventHandler } from '../../src/support/emit.ts'
import {
  type ConnectionEvent,
  type ConnectionLimits,
  defaultTimeouts,
  type SecureContext,
  Server,
  secureContext,
  type Timeouts,
} from '../../src/transport/index.ts'
import { testTimeoutMs, within } from '../support/deadline.ts'
import { SmtpClient } from '../support/smtp-client.ts'

const tlsFile = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url))
const context = secureContext({ cert: tlsFile('certificate.pem'), key: tlsFile('key.pem') })

const settings: SessionSettings = {
  ...defaultSettings,
  hostname: 'relay.test',
  service: 'Relay',
  tls: 'offered',
  mechanisms: [plain],
  allowPlaintextAuth: true,
  // The engine's limits are tested with the engine; here they are high.
  limits: { ...defaultLimits, messageBytes: 200_000_000, junkCommands: Infinity, hardErrorLimit: Infinity },
}

/** The socket that the server uses in place of the accepted one, over the same handle. */
function ownerOf(accepted: Socket): Socket {
  const { _handle: handle } = accepted as unknown as { readonly _handle: Record<symbol, Socket> }
  const owner = Object.getOwnPropertySymbols(handle).find(({ description }) => description === 'owner_symbol')
  return handle[owner!]!
}

interface Scope {
  after(tidy: () => Promise<void>): void
}

/** Differences from the defaults. */
export interface Conditions {
  readonly timeouts?: Partial<Timeouts>
  readonly settings?: Partial<SessionSettings>
  readonly connectionLimits?: Partial<ConnectionLimits>
  /** The address of a load balancer. */
  readonly proxy?: string
  /** The TLS context; the RSA certificate of the fixtures if left out. */
  readonly secureContext?: SecureContext
  readonly onEvent?: EventHandler<ConnectionEvent>
  /** Bytes of memory that connections may take now. */
  readonly connectionBytes?: () => number
}

/** A server in this process, with the host of the test. */
export class Stand {
  readonly server: Server
  /** Errors reported by the server. */
  readonly errors: unknown[] = []
  /** Reported errors of PROXY headers: the load balancer's address and the reason. */
  readonly proxyErrors: string[] = []
  /** Numbers of connections closed to make room, one for each report. */
  readonly overloads: number[] = []
  /** The server's sockets, in the order of the connections. */
  readonly sockets: Socket[] = []
  /** Those of them that are closed. */
  readonly closed = new Set<Socket>()
  port = 0
  tlsPort = 0

  private constructor(host: Host, conditions: Conditions) {
    const { timeouts, settings: other, connectionLimits = {}, proxy, onEvent, connectionBytes } = conditions
    const { secureContext: ownContext = context } = conditions
    this.server = new Server({
      settings: { ...settings, ...other },
      host,
      timeouts: { ...defaultTimeouts, lingerMs: 200, ...timeouts },
      connectionLimits,
      secureContext: () => ownContext,
      onEvent,
      ...(connectionBytes !== undefined && { connectionBytes }),
      onOverload: closed => void this.overloads.push(closed),
      isTrustedProxy: address => address === proxy,
      onProxyError: (address, reason) => void this.proxyErrors.push(`${address}: ${reason}`),
      onError: error => void this.errors.push(error),
    })
  }

  /** Listens on two ports, and is closed at the end of the scope. */
  static async set(scope: Scope, host: Host, conditions: Conditions = {}): Promise<Stand> {
    const stand = new Stand(host, conditions)
    stand.port = (await stand.server.listen({ host: '127.0.0.1', port: 0, implicitTls: false })).port
    stand.tlsPort = (await stand.server.listen({ host: '127.0.0.1', port: 0, implicitTls: true })).port
    const ports = [stand.port, stand.tlsPort]
    const onSocket = (message: unknown) => {
      const { socket: accepted } = message as { socket: Socket }
      if (!ports.includes(accepted.localPort!)) return
      const socket = ownerOf(accepted)
      stand.sockets.push(socket)
      socket.once('close', () => stand.closed.add(socket))
    }
    subscribe('net.server.socket', onSocket)
    scope.after(async () => {
      unsubscribe('net.server.socket', onSocket)
      for (const socket of stand.sockets) socket.destroy()
      await within(stand.server.close(0), 'the server to close')
    })
    return stand
  }

  /** Returns a client that has sent EHLO. */
  async greeted(tls = false): Promise<SmtpClient> {
    const wire = await SmtpClient.connect(tls ? this.tlsPort : this.port, { tls })
    await wire.greet()
    return wire
  }

  /** Resolves when no client is connected. */
  async emptied(ms = testTimeoutMs): Promise<void> {
    await this.until(() => this.server.connections === 0, 'the end of all connections', ms)
  }

  /** Resolves when the condition holds. It is checked after every iteration of the event loop. */
  async until(condition: () => boolean, what: string, ms = testTimeoutMs): Promise<void> {
    let over = false
    const held = async () => {
      while (!over && !condition()) await new Promise(resolve => setImmediate(resolve))
    }
    try {
      await within(held(), what, undefined, ms)
    } finally {
      over = true
    }
  }
}

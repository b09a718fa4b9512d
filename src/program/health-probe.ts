/** The health check: connects to the server of this machine as an SMTP client. */
import { readFileSync } from 'node:fs'
import { connect, isIPv4, type Socket } from 'node:net'
import { resolve } from 'node:path'
import { connect as connectTls } from 'node:tls'
import type { ListenAddress, Settings } from '../config/index.ts'
import { escapeForTerminal } from '../support/escape.ts'

/**
 * The address that the health check connects from. The server does not log it if `--allow-ips` refuses it. Only this
 * machine can have this address, but on Linux any process may use it, so everything else that it does is logged.
 */
export const probeSourceAddress = '127.83.77.84'

/** Milliseconds that the server may take, from the connection to its greeting. */
const greetingMs = 3_000

export interface Health {
  readonly healthy: boolean
  /** For the operator. */
  readonly sentence: string
}

/**
 * Connects to the first address to listen on, waits for the greeting and sends QUIT. A greeting of 421 or 554 is healthy,
 * too: the server is full, or accepts other addresses only. To restart it would not help.
 * @param source the address to connect from, if this machine has it
 */
export async function probe(settings: Settings, source = probeSourceAddress): Promise<Health> {
  const address = settings.listen[0]!
  if (address.port === 0) {
    const sentence = 'The server listens on port 0, any free port: set a port in --listen to check its health'
    return { healthy: false, sentence }
  }
  try {
    const greeting = escapeForTerminal(
      await greetingOf(address, settings, source).catch((error: NodeJS.ErrnoException) => {
        // Not every system accepts all loopback addresses.
        if (!['EADDRNOTAVAIL', 'EINVAL'].includes(error.code ?? '')) throw error
        return greetingOf(address, settings)
      }),
    )
    return { healthy: /^(?:220|421|554)[ -]/.test(greeting), sentence: greeting }
  } catch (error) {
    return { healthy: false, sentence: (error as Error).message }
  }
}

/**
 * Returns the arguments of the first process of this machine or container, if it is this program; otherwise none. Docker
 * runs a health check without the arguments of the container.
 * @param script the file that Node.js runs
 */
export function argumentsOfPid1(script: string, commandLine = readCommandLine): readonly string[] {
  // This process is the first one itself, so there is no other.
  if (process.pid === 1) return []
  const words = commandLine().split('\0').slice(0, -1)
  // The command line may begin with that of an init process.
  const at = words.findIndex(word => resolve(word) === script)
  return at < 0 ? [] : words.slice(at + 1)
}

function readCommandLine(): string {
  try {
    return readFileSync('/proc/1/cmdline', 'utf8')
  } catch {
    return ''
  }
}

function greetingOf(
  { host, port, implicitTls }: ListenAddress,
  { trustedProxies }: Settings,
  source?: string,
): Promise<string> {
  const reachable = host === undefined || host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(new Error(`No greeting within ${greetingMs / 1000} s`)), greetingMs)
    const fail = (error: Error) => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    const socket = connectFrom(source, reachable, port).on('error', fail)
    socket.once('connect', () => {
      if (trustedProxies?.has(socket.localAddress ?? '')) socket.write(localHeader)
      // The health check is not about the certificate.
      const stream = implicitTls
        ? connectTls({ socket, rejectUnauthorized: false }).on('error', fail)
        : socket
      let received = ''
      stream.on('data', (bytes: Buffer) => {
        received += bytes.toString('latin1')
        const end = received.indexOf('\r\n')
        if (end < 0 && received.length <= maxGreetingBytes) return
        clearTimeout(timer)
        stream.end('QUIT\r\n')
        stream.removeAllListeners('data').resume()
        resolve(received.slice(0, end < 0 ? maxGreetingBytes : end))
      })
      stream.on('end', () => fail(new Error('The connection was closed without a greeting')))
    })
  })
}

function connectFrom(source: string | undefined, host: string, port: number): Socket {
  return connect({ host, port, ...(source !== undefined && isIPv4(host) && { localAddress: source }) })
}

/** RFC 5321 section 4.5.3.1.5. */
const maxGreetingBytes = 512

/** A PROXY protocol header of version 2 with the command LOCAL: the health check of a load balancer. */
const localHeader = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\0\0\0', 'latin1')

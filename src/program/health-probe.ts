/** The program as its own client: does the one that runs on this machine still answer? */
import { readFileSync } from 'node:fs'
import { connect, isIPv4, type Socket } from 'node:net'
import { resolve } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { type ListenAddress, probeSourceAddress, type Settings } from '../config/index.ts'
import { escapeForTerminal } from '../support/escape.ts'

/** How long the server may take, from connecting to its greeting. */
const answerMs = 3_000

/** What was found: `sentence` is for the operator. */
export interface Health {
  readonly healthy: boolean
  readonly sentence: string
}

/**
 * Connects to the first address to listen on, hears the greeting and says QUIT. Who is greeted with 421 or 554 has found
 * a server that lives: one that is full, or lets in other addresses only. To end it would help nobody.
 * @param source the address to come from, where this machine has it
 */
export async function probe(settings: Settings, source = probeSourceAddress): Promise<Health> {
  const address = settings.listen[0]!
  if (address.port === 0)
    return { healthy: false, sentence: 'Port 0 is any that is free: nobody knows which' }
  try {
    const greeting = escapeForTerminal(
      await greetingOf(address, settings, source).catch((error: NodeJS.ErrnoException) => {
        // Not every system lends out all of its loopback addresses.
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
 * The arguments that the first process of this machine, or container, was given, if it is this program; else none.
 * Docker asks for the health of a container without them.
 * @param script the file that Node.js runs
 */
export function argumentsOfPid1(script: string, commandLine = readCommandLine): readonly string[] {
  // As the first process itself we ask for somebody else.
  if (process.pid === 1) return []
  const words = commandLine().split('\0').slice(0, -1)
  // An init may stand in front.
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
  const here = host === undefined || host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(new Error(`No greeting within ${answerMs / 1000} s`)), answerMs)
    const fail = (error: Error) => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    const socket = reach(here, port, source).on('error', fail)
    socket.once('connect', () => {
      if (trustedProxies?.has(socket.localAddress ?? '')) socket.write(localHeader)
      // Whether the certificate is right is for others to judge.
      const spoken = implicitTls
        ? connectTls({ socket, rejectUnauthorized: false }).on('error', fail)
        : socket
      let heard = ''
      spoken.on('data', (bytes: Buffer) => {
        heard += bytes.toString('latin1')
        const end = heard.indexOf('\r\n')
        if (end < 0 && heard.length <= mostGreetingBytes) return
        clearTimeout(timer)
        spoken.end('QUIT\r\n')
        spoken.removeAllListeners('data').resume()
        resolve(heard.slice(0, end < 0 ? mostGreetingBytes : end))
      })
      spoken.on('end', () => fail(new Error('The connection was closed without a greeting')))
    })
  })
}

function reach(host: string, port: number, source: string | undefined): Socket {
  return connect({ host, port, ...(source !== undefined && isIPv4(host) && { localAddress: source }) })
}

/** RFC 5321 section 4.5.3.1.5. */
const mostGreetingBytes = 512

/** PROXY protocol, version 2: the balancer itself looks whether the server lives. */
const localHeader = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\0\0\0', 'latin1')

import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { escapeForTerminal } from '../../support/escape.ts'
import { type SecureContext, secureContext } from '../../transport/index.ts'
import { writeTranscript } from '../notation.ts'
import { recordingProxy } from '../recording/proxy.ts'
import type { Recorder } from '../recording/recorder.ts'
import { type Arguments, lastValue, readAddress, readCount, UsageError } from './arguments.ts'

const connectTimeoutMs = 30_000

/** Runs `smtp-transcript record` until it has `--count` recordings or receives a signal. Returns the exit status. */
export async function record(args: Arguments, print: (text: string) => void): Promise<number> {
  const listen = readAddress(args, 'listen')
  const { host, port } = readAddress(args, 'server')
  const folder = lastValue(args, 'output') ?? '.'
  const max = args.values.has('count') ? readCount(args, 'count', 1) : Number.POSITIVE_INFINITY
  const ca = lastValue(args, 'ca')
  const tls = ca === undefined ? { rejectUnauthorized: false } : { ca: readFileSync(ca) }
  const certificate = certificateOf(args)
  mkdirSync(folder, { recursive: true })
  let written = 0
  return new Promise((resolve, reject) => {
    const proxy = recordingProxy({
      server: { host, port, connectTimeoutMs, tls },
      certificate,
      keepCredentials: args.values.has('keep-credentials'),
      onRecording: recorder => {
        if (recorder.isEmpty || written === max) return
        try {
          print(`${write(recorder, folder)}\n`)
        } catch (error) {
          reject(error)
          return stop()
        }
        written += 1
        if (written === max) stop()
      },
      onError: message =>
        process.stderr.write(`${escapeForTerminal(host)}:${port}: ${escapeForTerminal(message)}\n`),
    })
    const stop = () => {
      for (const signal of signals) process.off(signal, stop)
      proxy.stop()
    }
    for (const signal of signals) process.on(signal, stop)
    proxy.server.once('error', reject).once('close', () => resolve(0))
    proxy.server.listen(listen, () => {
      const { address, port: own } = proxy.server.address() as AddressInfo
      const here = address.includes(':') ? `[${address}]` : address
      process.stderr.write(`Recording ${here}:${own}, forwarding to ${escapeForTerminal(host)}:${port}\n`)
    })
  })
}

const signals = ['SIGINT', 'SIGTERM'] as const

function certificateOf(args: Arguments): SecureContext | undefined {
  const [cert, key] = [lastValue(args, 'tls-cert'), lastValue(args, 'tls-key')]
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined || key === undefined)
    throw new UsageError('--tls-cert and --tls-key must be given together')
  return secureContext({ cert: readFileSync(cert), key: readFileSync(key) })
}

/** Writes a recording to the first free file name, and returns it. Existing files are not overwritten. */
function write(recorder: Recorder, folder: string): string {
  for (let number = 1; ; number++) {
    const file = join(folder, `recording-${number}.smtp`)
    const descriptor = createFile(file)
    if (descriptor === undefined) continue
    const title = `Recording ${number} of ${new Date().toISOString()}`
    try {
      writeFileSync(descriptor, writeTranscript(recorder.transcript({ file, title, spec: 'RFC 5321' })))
    } finally {
      closeSync(descriptor)
    }
    return file
  }
}

/** Creates a file. Returns undefined if the name exists already, even as a dangling link. */
function createFile(file: string): number | undefined {
  try {
    // The recording may contain private mail: only the user can read it.
    return openSync(file, 'wx', 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
}

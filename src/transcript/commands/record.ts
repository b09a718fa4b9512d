import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { escapeForTerminal } from '../../support/escape.ts'
import { type SecureContext, secureContext } from '../../transport/index.ts'
import { writeTranscript } from '../notation.ts'
import { recordingProxy } from '../recording/proxy.ts'
import type { Recorder } from '../recording/recorder.ts'
import { type Arguments, addressOf, countOf, lastOf, UsageError } from './arguments.ts'

const connectMs = 30_000

/** Records connections until there are enough, or a signal comes. Returns the exit status. */
export async function record(given: Arguments, say: (text: string) => void): Promise<number> {
  const listen = addressOf(given, 'listen')
  const { host, port } = addressOf(given, 'server')
  const folder = lastOf(given, 'output') ?? '.'
  const most = given.values.has('count') ? countOf(given, 'count', 1) : Number.POSITIVE_INFINITY
  const ca = lastOf(given, 'ca')
  const tls = ca === undefined ? { rejectUnauthorized: false } : { ca: readFileSync(ca) }
  const certificate = certificateOf(given)
  mkdirSync(folder, { recursive: true })
  let written = 0
  return new Promise((resolve, reject) => {
    const proxy = recordingProxy({
      remote: { host, port, connectMs, tls },
      certificate,
      keepCredentials: given.values.has('keep-credentials'),
      onRecording: recorder => {
        if (recorder.empty || written === most) return
        try {
          say(`${write(recorder, folder)}\n`)
        } catch (error) {
          reject(error)
          return stop()
        }
        written += 1
        if (written === most) stop()
      },
      onFault: message =>
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
      process.stderr.write(
        `Recording ${here}:${own}, which passes on to ${escapeForTerminal(host)}:${port}\n`,
      )
    })
  })
}

const signals = ['SIGINT', 'SIGTERM'] as const

function certificateOf(given: Arguments): SecureContext | undefined {
  const [cert, key] = [lastOf(given, 'tls-cert'), lastOf(given, 'tls-key')]
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined || key === undefined)
    throw new UsageError('--tls-cert and --tls-key need each other')
  return secureContext({ cert: readFileSync(cert), key: readFileSync(key) })
}

/** Writes a recording under the first name that is free; nothing is overwritten. */
function write(recorder: Recorder, folder: string): string {
  for (let number = 1; ; number++) {
    const file = join(folder, `recording-${number}.smtp`)
    const descriptor = openAnew(file)
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

/** Nothing where there is a file of this name already, even a link to one that is not. */
function openAnew(file: string): number | undefined {
  try {
    // It may hold a mail that is nobody else's business.
    return openSync(file, 'wx', 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
}

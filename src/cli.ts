#!/usr/bin/env node
/** The program: what it is told, what it says, signals and exit codes. */
import { readFileSync } from 'node:fs'
import { type Assembly, assemble } from './assembly.ts'
import { streamWriters } from './operations/index.ts'
import { helpText, type ListenAddress, parse, type Settings } from './options.ts'
import { addressText, welcome } from './welcome.ts'

// Who reads the help with `head` has seen enough.
process.stdout.on('error', () => {})

const parsed = parse(process.argv.slice(2), process.env)
switch (parsed.type) {
  case 'help':
    process.stdout.write(helpText())
    break
  case 'version':
    process.stdout.write(`${version()}\n`)
    break
  case 'usage':
    process.stderr.write(`${parsed.message}\n${helpText()}`)
    process.exitCode = 2
    break
  case 'conflict':
    process.stderr.write(`${parsed.message}\n`)
    process.exitCode = 1
    break
  case 'settings':
    run(parsed.settings, parsed.check).catch((error: Error) => {
      process.stderr.write(`${error.message}\n`)
      process.exit(1)
    })
}

async function run(settings: Settings, check: boolean): Promise<void> {
  for (const warning of settings.warnings) process.stderr.write(`${warning}\n`)
  const assembly = await assemble(settings, streamWriters(process.stdout, process.stderr))
  if (check) return report(assembly)
  const listening = []
  for (const address of settings.listen) listening.push(await listen(assembly, address))
  obeySignals(assembly, settings.drainTimeoutMs)
  process.stderr.write(welcome(settings, listening, version()))
  // Mail is taken and answered 451 meanwhile, so that nothing is lost while the operator mends it.
  assembly.relay.check?.().catch((error: Error) => {
    process.stderr.write(`Mail cannot be sent yet: ${error.message}\n`)
  })
}

/** Everything could be opened; what is left is what only the backend knows. */
async function report({ relay }: Assembly): Promise<never> {
  const found = (await relay.check?.()) ?? []
  process.stdout.write(['The settings are right', ...found, ''].join('\n'))
  process.exit(0)
}

/** Returns the address with the port that it really has, which differs where a free one was asked for. */
async function listen({ server }: Assembly, address: ListenAddress): Promise<ListenAddress> {
  try {
    const { port } = await server.listen(address)
    return { ...address, port }
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    const reason = bindFaults[code] ?? message
    throw new Error(`listen tcp ${addressText({ ...address, implicitTls: false })}: ${reason}`)
  }
}

/** SIGHUP reads the certificate again. SIGTERM and SIGINT let running mails finish; a second one does not wait for them. */
function obeySignals({ server, reloadCertificate }: Assembly, drainMs: number): void {
  process.on('SIGHUP', reloadCertificate)
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1)
      stopping = true
      const seconds = drainMs / 1000
      const waiting = server.connections === 1 ? '1 client' : `${server.connections} clients`
      process.stderr.write(
        `Stopping: ${waiting} connected, running mails get ${seconds} s; ${signal} again stops at once\n`,
      )
      server.close(drainMs).then(() => process.exit(0))
    })
  }
}

/** In the words of the Go program. */
const bindFaults: Readonly<Record<string, string>> = {
  EADDRINUSE: 'bind: address already in use',
  EADDRNOTAVAIL: 'bind: cannot assign requested address',
  EACCES: 'bind: permission denied',
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
}

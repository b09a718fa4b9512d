#!/usr/bin/env node
/** The program: settings in, rooms wired together, signals, exit codes. */
import { readFileSync } from 'node:fs'
import { gatekeeper, mechanisms, requiresLogin } from './auth/index.ts'
import { jsonFault, jsonLog, streamWriters } from './operations/index.ts'
import { helpText, type ListenAddress, parse, type Settings, type TlsFiles } from './options.ts'
import { defaultLimits } from './protocol/index.ts'
import { discard, dispatcher, maildir, type Relay, ses } from './relay/index.ts'
import { defaultTimeouts, type SecureContext, Server, secureContext } from './transport/index.ts'

/** What went wrong at start, as one sentence for the operator. */
class StartError extends Error {}

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
    start(parsed.settings).catch((error: unknown) => {
      process.stderr.write(`${error instanceof StartError ? error.message : (error as Error).stack}\n`)
      process.exit(1)
    })
}

async function start(settings: Settings): Promise<void> {
  const relay = await openRelay(settings)
  const server = serverFor(settings, relay)
  const listening = []
  for (const address of settings.listen) listening.push(await listen(server, address))
  stopOnSignal(server, settings.drainTimeoutMs)
  process.stderr.write(welcome(settings, listening))
}

async function openRelay(settings: Settings): Promise<Relay> {
  const { configurationSet, maildirPath, upstreamTimeoutMs } = settings
  switch (settings.relay) {
    case 'ses':
      return ses({ upstreamTimeoutMs, ...(configurationSet !== undefined && { configurationSet }) })
    case 'maildir':
      return maildir(maildirPath).catch((error: NodeJS.ErrnoException) => {
        throw new StartError(`maildir ${maildirPath}: ${error.message}`)
      })
    case 'discard':
      return discard()
  }
}

function serverFor(settings: Settings, relay: Relay): Server {
  const { access, hostname, service, tls } = settings
  const writers = streamWriters(process.stdout, process.stderr)
  // However many calls a mail takes, the backend's own limit ends first, and its reply is the better one.
  const calls = Math.ceil(settings.maxRecipients / (relay.maxRecipientsPerCall ?? Infinity))
  const context = tls === undefined ? undefined : readTls(tls)
  return new Server({
    settings: {
      hostname,
      service,
      tls: context === undefined ? 'none' : settings.requireTls ? 'required' : 'offered',
      loginRequired: requiresLogin(access),
      mechanisms: mechanisms(access, hostname),
      plaintextLogin: settings.allowPlaintextAuth,
      bareNewline: settings.bareNewline,
      limits: {
        ...defaultLimits,
        messageBytes: settings.maxMessageBytes ?? relay.maxMessageBytes,
        recipients: settings.maxRecipients,
      },
    },
    host: { ...gatekeeper(access), ...dispatcher(relay, { hostname, service }, jsonLog(writers)) },
    timeouts: {
      ...defaultTimeouts,
      idleMs: settings.idleTimeoutMs,
      messageMs: settings.dataTimeoutMs,
      answerMs: Math.max(defaultTimeouts.answerMs, calls * settings.upstreamTimeoutMs + 10_000),
    },
    ...(context !== undefined && { secureContext: () => context }),
    onFault: jsonFault(writers),
  })
}

function readTls({ certPath, keyPath, passphrase }: TlsFiles): SecureContext {
  try {
    return secureContext({
      cert: readFileSync(certPath),
      key: readFileSync(keyPath),
      ...(passphrase !== undefined && { passphrase }),
    })
  } catch (error) {
    const { code, path, message } = error as NodeJS.ErrnoException
    throw new StartError(code === 'ENOENT' ? `open ${path}: no such file or directory` : message)
  }
}

/** Returns the address with the port that it really has, which differs where a free one was asked for. */
async function listen(server: Server, address: ListenAddress): Promise<ListenAddress> {
  try {
    const { port } = await server.listen(address)
    return { ...address, port }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code === 'EADDRINUSE' ? 'bind: address already in use' : message
    throw new StartError(`listen tcp ${addressText(address)}: ${reason}`)
  }
}

/** The first signal lets running mails finish; a second one does not wait for them. */
function stopOnSignal(server: Server, drainMs: number): void {
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1)
      stopping = true
      server.close(drainMs).then(() => process.exit(0))
    })
  }
}

/** Where it listens, where mail goes, and how to send one. */
function welcome(settings: Settings, listening: readonly ListenAddress[]): string {
  const { tls, relay, maildirPath } = settings
  const where = {
    ses: 'Amazon SES',
    maildir: `${maildirPath}/new, one file a mail`,
    discard: 'nowhere: it is answered 250 and dropped',
  }
  const [first] = listening
  const host = first?.host === undefined || /^(0\.0\.0\.0|::)$/.test(first.host) ? '127.0.0.1' : first.host
  const url = `${first?.implicitTls ? 'smtps' : 'smtp'}://${host.includes(':') ? `[${host}]` : host}:${first?.port}`
  const options = [
    ...(tls !== undefined ? ['--ssl-reqd', '--insecure'] : []),
    ...(settings.access.user !== undefined ? [`--user ${settings.access.user.name}`] : []),
  ]
  return [
    `aws-smtp-relay ${version()} listens on ${listening.map(addressText).join(', ')}`,
    `Mail goes to ${where[relay]}`,
    `Try: ${['curl', url, ...options, '--mail-from a@example.org --mail-rcpt b@example.org -T file.eml'].join(' ')}`,
    '',
  ].join('\n')
}

function addressText({ host = '', port, implicitTls }: ListenAddress): string {
  return `${implicitTls ? 'tls://' : ''}${host.includes(':') ? `[${host}]` : host}:${port}`
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
}

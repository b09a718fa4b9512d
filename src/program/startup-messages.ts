import { addressText, hostInUrl, type ListenAddress, type Settings } from '../config/index.ts'

/** Returns what the program writes once it listens: where it listens, where messages go, and how to send one. */
export function startupMessage(
  settings: Settings,
  listening: readonly ListenAddress[],
  version: string,
  admin?: ListenAddress,
): string {
  return [
    `aws-smtp-relay ${version} listens on ${listening.map(addressText).join(', ')}${workerSuffix(settings)}`,
    `Backend: ${backendText(settings)}`,
    ...openRelayWarning(settings),
    ...(admin === undefined ? [] : [`Health and metrics: ${adminUrl(admin)}`]),
    `Try: ${exampleCommand(settings, listening[0]!)}`,
    '',
  ].join('\n')
}

/** Returns what the program writes when it begins to shut down. @param clients open connections */
export function shutdownMessage(
  clients: number,
  { drainTimeoutMs }: Settings,
  signal: NodeJS.Signals,
): string {
  const waiting = clients === 1 ? '1 client' : `${clients} clients`
  const timeout = `waiting up to ${drainTimeoutMs / 1000} s for ${waiting}`
  return `Shutting down: ${timeout}. Send ${signal} again to stop immediately\n`
}

/** Returns the backend's name for people, and where it delivers messages. */
export function backendText({ relay, maildirPath }: Settings): string {
  switch (relay) {
    case 'ses':
      return 'Amazon SES'
    case 'sesv2':
      return 'Amazon SES, API version 2'
    case 'pinpoint':
      return 'Amazon Pinpoint'
    case 'maildir':
      return `maildir (one file per message in ${maildirPath}/new)`
    case 'discard':
      return 'discard (accepts and drops all mail)'
  }
}

/** Returns a warning if other machines can reach the server and send without any limit; otherwise nothing. */
function openRelayWarning({
  relay,
  listen,
  access,
  usersFile,
  filters: { allowFrom },
}: Settings): readonly string[] {
  const local =
    relay === 'maildir' || relay === 'discard' || listen.every(({ host = '' }) => isLoopback(host))
  const limited = access.addresses ?? access.user ?? usersFile ?? allowFrom
  if (local || limited !== undefined) return []
  return ['Warning: open relay: anyone who can connect may send. Restrict with -i, -u, --users-file or -l']
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

function workerSuffix({ workers }: Settings): string {
  return workers === 1 ? '' : ` with ${workers} workers`
}

function adminUrl({ host, port }: ListenAddress): string {
  return `http://${hostInUrl(reachableHost(host))}:${port}/`
}

/** Returns a command that sends a message to the first address. It works unchanged, except for the name of a user. */
function exampleCommand(
  { tls, access, usersFile, trustedProxies }: Settings,
  { host, port, implicitTls }: ListenAddress,
): string {
  const reachable = reachableHost(host)
  const hasUsers = access.user !== undefined || usersFile !== undefined
  return [
    "printf 'Subject: Hello\\r\\n\\r\\nHi\\r\\n' | curl",
    // Without a path, curl sends the name of this machine in EHLO, which is often not a domain.
    `${implicitTls ? 'smtps' : 'smtp'}://${hostInUrl(reachable)}:${port}/client.example.org`,
    // The server expects a PROXY header from this machine.
    ...(trustedProxies?.has(reachable) ? ['--haproxy-protocol'] : []),
    ...(tls !== undefined && !implicitTls ? ['--ssl-reqd'] : []),
    ...(tls !== undefined ? ['--insecure'] : []),
    ...(hasUsers ? [`--user ${access.user?.name ?? 'NAME'}`] : []),
    '--mail-from a@example.org --mail-rcpt b@example.org -T -',
  ].join(' ')
}

/** Returns an address at which this machine reaches a server that listens on `host`. */
function reachableHost(host: string | undefined): string {
  return host === undefined || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
}

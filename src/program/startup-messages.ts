import type { ListenAddress, Settings } from '../config/index.ts'

/** What the program says once it listens: where, where mail goes, and how to send one. */
export function startupMessage(
  settings: Settings,
  listening: readonly ListenAddress[],
  version: string,
  admin?: ListenAddress,
): string {
  return [
    `aws-smtp-relay ${version} listens on ${listening.map(addressText).join(', ')}${workerSuffix(settings)}`,
    `Mail goes to ${destination(settings)}`,
    ...openRelayWarning(settings),
    ...(admin === undefined ? [] : [`Health and metrics are at ${adminText(admin)}`]),
    `Try: ${exampleCommand(settings, listening[0]!)}`,
    '',
  ].join('\n')
}

/** What the program says when it begins to stop. */
export function shutdownMessage(
  clients: number,
  { drainTimeoutMs }: Settings,
  signal: NodeJS.Signals,
): string {
  const waiting = clients === 1 ? '1 client' : `${clients} clients`
  const grace = `running mails get ${drainTimeoutMs / 1000} s`
  return `Stopping: ${waiting} connected, ${grace}; ${signal} again stops at once\n`
}

/** An address as it is written in `--listen`. */
export function addressText({ host = '', port, implicitTls }: ListenAddress): string {
  return `${implicitTls ? 'tls://' : ''}${bracketed(host)}:${port}`
}

function adminText({ host, port }: ListenAddress): string {
  return `http://${bracketed(reachableHost(host))}:${port}/`
}

/** Where mail goes, in words. */
export function destination({ relay, maildirPath }: Settings): string {
  switch (relay) {
    case 'ses':
      return 'Amazon SES'
    case 'sesv2':
      return 'Amazon SES, API version 2'
    case 'pinpoint':
      return 'Amazon Pinpoint'
    case 'maildir':
      return `${maildirPath}/new, one file a mail`
    case 'discard':
      return 'nobody: it is answered 250 and dropped'
  }
}

/** Whoever starts a way out for mail with few options should know for whom. */
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
  return ['Everybody who can reach it may send; -i, -u, --users-file and -l limit that']
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

function workerSuffix({ workers }: Settings): string {
  return workers === 1 ? '' : ` with ${workers} workers`
}

/** A command that sends a mail to the first address, as it stands but for a user's name. */
function exampleCommand(
  { tls, access, usersFile, trustedProxies }: Settings,
  { host, port, implicitTls }: ListenAddress,
): string {
  const here = reachableHost(host)
  const hasUsers = access.user !== undefined || usersFile !== undefined
  return [
    "printf 'Subject: Hello\\r\\n\\r\\nHi\\r\\n' | curl",
    // Without a path curl introduces itself with a name that says nothing.
    `${implicitTls ? 'smtps' : 'smtp'}://${bracketed(here)}:${port}/client.example.org`,
    // Where this machine is taken for a load balancer, curl speaks as one.
    ...(trustedProxies?.has(here) ? ['--haproxy-protocol'] : []),
    ...(tls !== undefined && !implicitTls ? ['--ssl-reqd'] : []),
    ...(tls !== undefined ? ['--insecure'] : []),
    ...(hasUsers ? [`--user ${access.user?.name ?? 'NAME'}`] : []),
    '--mail-from a@example.org --mail-rcpt b@example.org -T -',
  ].join(' ')
}

/** Where this machine reaches what listens there. */
function reachableHost(host: string | undefined): string {
  return host === undefined || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

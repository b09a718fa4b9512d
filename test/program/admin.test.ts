import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Family } from '../support/exposition.ts'
import { FakeSes, type Outcome } from '../support/fake-ses.ts'
import { RelayCluster } from '../support/relay-cluster.ts'
import { certificatePath, RelayProcess, run, tlsArguments } from '../support/relay-process.ts'
import { expectCode, SmtpClient } from '../support/smtp-client.ts'
import { type Scope, temporaryDirectory } from '../support/temporary-directory.ts'
import { AdminClient, promtool, type Scrape } from './admin-client.ts'
import { credentials } from './relay-fixture.ts'

const admin = ['--admin', '127.0.0.1:0']
const outOfOrder: Outcome = { type: 'refuse', status: 503, code: 'ServiceUnavailable', message: 'later' }
const throttling: Outcome = {
  type: 'refuse',
  status: 400,
  code: 'Throttling',
  message: 'Maximum sending rate',
}
const rejected: Outcome = { type: 'refuse', status: 400, code: 'MessageRejected', message: 'no' }

async function standIn(scope: Scope): Promise<FakeSes> {
  const ses = await FakeSes.start()
  scope.after(() => ses.close())
  return ses
}

async function start(
  scope: Scope,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ relay: RelayProcess; observed: AdminClient }> {
  const relay = await RelayProcess.start(scope, {
    args: [...admin, ...args],
    env,
    implicitTls: args.includes('-c'),
  })
  return { relay, observed: new AdminClient(relay) }
}

async function greeted(relay: RelayProcess, tls = false): Promise<SmtpClient> {
  const wire = await SmtpClient.connect(tls ? relay.tlsPort : relay.port, { tls })
  await wire.greet()
  return wire
}

/** Sends a message on a connection of its own. */
async function sendOne(relay: RelayProcess): Promise<number> {
  const wire = await greeted(relay)
  const { code } = await wire.mail('x\r\n')
  await wire.ask('QUIT')
  wire.vanish()
  return code
}

test('the admin endpoint opens on a free port, and the startup message says which', async t => {
  const { relay, observed } = await start(t, ['-r', 'discard'])
  assert.match(relay.stderr.all[2]!, /^Health and metrics: http:\/\/127\.0\.0\.1:[1-9]\d*\/$/)
  assert.deepEqual(await observed.get('/healthz'), { status: 200, text: 'ok\n' })
  assert.deepEqual(await observed.get('/readyz'), { status: 200, text: 'ok\n' })
})

test('an admin address in use ends the program with one line', async t => {
  const { relay } = await start(t, ['-r', 'discard'])
  for (const workers of ['1', '2']) {
    const args = ['-r', 'discard', '-a', '127.0.0.1:0', '--workers', workers]
    const { code, stdout, stderr } = await run([...args, '--admin', `127.0.0.1:${relay.port}`])
    assert.deepEqual([code, stdout], [1, ''])
    assert.equal(stderr, `listen tcp 127.0.0.1:${relay.port}: bind: address already in use`)
  }
})

test('prom-client is loaded only with --admin', async t => {
  const directory = await temporaryDirectory(t)
  const [probe, list] = [join(directory, 'probe.cjs'), join(directory, 'modules')]
  await writeFile(
    probe,
    `process.on('exit', () => require('fs').writeFileSync(${JSON.stringify(list)}, Object.keys(require.cache).join('\\n')))`,
  )
  for (const [args, expected] of [
    [[], false],
    [admin, true],
  ] as const) {
    const relay = await RelayProcess.start(t, {
      args: ['-r', 'discard', ...args],
      env: { NODE_OPTIONS: `--require ${probe}` },
    })
    await sendOne(relay)
    await relay.stop()
    assert.equal((await readFile(list, 'utf8')).includes('/prom-client/'), expected)
  }
})

test('messages, connections, logins and calls are counted', async t => {
  const ses = await standIn(t)
  const { relay, observed } = await start(
    t,
    [
      ...['-r', 'ses', ...tlsArguments, '-u', 'user', '--allow-plaintext-auth', '-l', '^a@', '-d', '^no@'],
      ...['--max-size', '20000', '--max-recipients', '2', '--max-connections-per-ip', '3'],
    ],
    { ...ses.environment, PASSWORD: 'secret' },
  )
  const login = async (wire: SmtpClient) => expectCode(await wire.ask(`AUTH PLAIN ${credentials}`), 235)

  const sender = await greeted(relay)
  await login(sender)
  expectCode(await sender.mail('x\r\n'), 250)
  ses.script(throttling)
  expectCode(await sender.mail('x\r\n'), 250)
  ses.script(rejected)
  expectCode(await sender.mail('x\r\n'), 554)
  expectCode(await sender.mail(`${'x'.repeat(998)}\r\n`.repeat(21)), 552)
  expectCode(await sender.ask('MAIL FROM:<other@example.org>'), 550)
  expectCode(await sender.ask('MAIL FROM:<a@example.org>'), 250)
  expectCode(await sender.ask('RCPT TO:<no@example.org>'), 550)
  for (const code of [250, 250, 452]) expectCode(await sender.ask('RCPT TO:<b@example.org>'), code)
  await sender.ask('DATA')
  await sender.put('gone in the middle')
  sender.reset()

  const secure = await greeted(relay)
  await secure.startTls()
  await secure.ask('EHLO client.test')
  const wrong = Buffer.from('\0user\0wrong').toString('base64')
  expectCode(await secure.ask(`AUTH PLAIN ${wrong}`), 535)
  await login(secure)
  const implicit = await greeted(relay, true)
  const third = await greeted(relay)
  await observed.untilMetrics(scrape => scrape.of('connections') === 3, 'the client that is gone')
  expectCode(await (await SmtpClient.connect(relay.port)).reply(), 421)
  for (const wire of [secure, implicit]) {
    expectCode(await wire.ask('QUIT'), 221)
    wire.vanish()
  }
  third.say('x\r\n'.repeat(10))
  for (let n = 0; n < 10; n++) expectCode(await third.reply(), 500)

  const { of } = await observed.untilMetrics(
    scrape => scrape.of('connections') === 1,
    'the others to be gone',
  )
  const [relayLabel, plain] = [{ relay: 'ses' }, { mechanism: 'PLAIN' }]
  const counts = {
    opened: of('connections_total'),
    rejected: of('connections_refused_total', { reason: 'per_ip_limit' }),
    starttls: of('sessions_total', { tls: 'starttls', outcome: 'quit' }),
    implicit: of('sessions_total', { tls: 'implicit', outcome: 'quit' }),
    disconnected: of('sessions_total', { tls: 'none', outcome: 'disconnect' }),
    accepted: of('messages_total', { ...relayLabel, outcome: 'accepted' }),
    permanent: of('messages_total', { ...relayLabel, outcome: 'permanent' }),
    aborted: of('messages_total', { ...relayLabel, outcome: 'aborted' }),
    recipients: of('recipients_total', { ...relayLabel, outcome: 'accepted' }),
    sizes: of('message_size_bytes_count'),
    calls: of('upstream_request_duration_seconds_count', { ...relayLabel, outcome: 'accepted' }),
    throttled: of('upstream_request_duration_seconds_count', { ...relayLabel, outcome: 'throttled' }),
    retries: of('upstream_retries_total', relayLabel),
    throttles: of('upstream_throttled_total', relayLabel),
    loggedIn: of('auth_attempts_total', { ...plain, outcome: 'accepted' }),
    refused: of('auth_attempts_total', { ...plain, outcome: 'refused' }),
    nonsense: of('replies_total', { code: '500' }),
    start: of('replies_total', { code: '354' }),
  }
  assert.deepEqual(counts, {
    opened: 4,
    rejected: 1,
    starttls: 1,
    implicit: 1,
    disconnected: 1,
    accepted: 2,
    permanent: 1,
    aborted: 2,
    recipients: 2,
    sizes: 2,
    calls: 2,
    throttled: 1,
    retries: 1,
    throttles: 1,
    loggedIn: 2,
    refused: 1,
    nonsense: 10,
    start: 5,
  })
  const reasons = [
    'ip_not_allowed',
    'auth_failed',
    'sender_denied',
    'recipient_denied',
    'message_size',
    'recipient_limit',
    'memory',
    'slow',
    'error_limit',
  ]
  assert.deepEqual(
    reasons.map(reason => of('rejections_total', { reason })),
    [0, 1, 1, 1, 1, 1, 0, 0, 0],
  )
  assert.ok(of('received_bytes_total')! > 21_000)
  assert.equal(of('ready'), 1)
  assert.equal(of('message_memory_limit_bytes'), 256 * 1024 * 1024)
  assert.equal(of('certificate_expiry_timestamp_seconds'), expiryOfFixture())
})

test('a refused address, a lack of memory and too many errors are counted', async t => {
  // The least memory that one message of the largest size needs. The error for less memory says how much that is.
  const small = ['-r', 'discard', '--max-size', '1MiB', '-i', '127.0.0.1']
  const { stderr } = await run([...small, '-a', '127.0.0.1:0', '--message-memory', '1'])
  const [, least = ''] = /raise --message-memory to (\d+)/.exec(stderr) ?? []
  const { relay, observed } = await start(t, [...small, '--message-memory', least, '--max-wait', '0.05'])
  const first = await greeted(relay)
  const large = 'A line of a message.\r\n'.repeat(20_000)
  await first.open()
  await first.put(large)
  await observed.untilMetrics(
    ({ of }) => of('message_memory_bytes')! > 400_000,
    'the first one to hold memory',
  )
  assert.equal((await observed.scrape()).of('messages_waiting'), 0)
  const second = await greeted(relay)
  expectCode(await second.mail(large), 452)
  second.say('x\r\n'.repeat(9))
  for (let n = 0; n < 9; n++) expectCode(await second.reply(), 500)
  const stranger = await SmtpClient.connect(relay.port, { from: '127.0.0.2' })
  expectCode(await stranger.reply(), 554)
  stranger.vanish()
  const { of } = await observed.untilMetrics(
    ({ of }) => of('sessions_total', { tls: 'none', outcome: 'refused' }) === 1,
    'the stranger to be gone',
  )
  assert.equal(of('rejections_total', { reason: 'memory' }), 1)
  assert.equal(of('rejections_total', { reason: 'ip_not_allowed' }), 1)
  assert.equal(of('messages_total', { relay: 'discard', outcome: 'temporary' }), 1)
  assert.equal(of('recipients_total', { relay: 'discard', outcome: 'temporary' }), 1)
  assert.ok(of('message_memory_bytes')! > 0)
  first.vanish()
  second.vanish()
})

test('without a region, or without credentials, the program is not ready', async t => {
  const off = { AWS_EC2_METADATA_DISABLED: 'true' }
  for (const [env, reason] of [
    [off, /^AWS credentials: MissingRegion: [^\n]+\n$/],
    [{ ...off, AWS_REGION: 'eu-west-1' }, /^AWS credentials: CredentialsProviderError: [^\n]+\n$/],
  ] as const) {
    const { observed } = await start(t, ['-r', 'ses'], env)
    await observed.untilReadiness(503, reason)
    assert.deepEqual(await observed.get('/healthz'), { status: 200, text: 'ok\n' })
    assert.equal((await observed.scrape()).of('ready'), 0)
  }
})

test('credentials that AWS rejects make the program not ready after five calls, and show no secret', async t => {
  const ses = await standIn(t)
  const secret = 'AnotherSecretThatIsWrong'
  const { relay, observed } = await start(t, ['-r', 'ses'], {
    ...ses.environment,
    AWS_SECRET_ACCESS_KEY: secret,
  })
  await observed.untilReadiness(200, 'ok\n')
  for (let mail = 1; mail <= 5; mail++) {
    assert.equal((await observed.get('/readyz')).status, 200)
    assert.equal(await sendOne(relay), 451)
  }
  await observed.untilReadiness(503, 'upstream: the latest 5 calls failed\n')
  assert.ok(!(await observed.scrape()).text.includes(secret))
})

test('a backend that fails makes the program not ready until it recovers', async t => {
  const ses = await standIn(t)
  const { relay, observed } = await start(t, ['-r', 'ses', '--max-wait', '0'], ses.environment)
  await observed.untilReadiness(200, 'ok\n')
  ses.always(throttling)
  for (let mail = 0; mail < 6; mail++) assert.equal(await sendOne(relay), 454)
  assert.equal((await observed.get('/readyz')).status, 200)
  ses.always(outOfOrder)
  for (let mail = 0; mail < 5; mail++) assert.equal(await sendOne(relay), 451)
  assert.deepEqual(await observed.get('/readyz'), {
    status: 503,
    text: 'upstream: the latest 5 calls failed\n',
  })
  ses.always({ type: 'accept' })
  assert.equal(await sendOne(relay), 250)
  assert.deepEqual(await observed.get('/readyz'), { status: 200, text: 'ok\n' })
})

test('an endpoint that answers 200 and is not SES makes the program not ready', async t => {
  const ses = await standIn(t)
  const { relay, observed } = await start(t, ['-r', 'ses'], ses.environment)
  ses.always({ type: 'answer', status: 200, contentType: 'text/html', body: 'Welcome to the hotel' })
  for (let message = 0; message < 5; message++) assert.equal(await sendOne(relay), 451)
  await observed.untilReadiness(503, 'upstream: the latest 5 calls failed\n')
  await relay.stderr.find(/UnexpectedAnswer: HTTP 200, text\/html, that begins: Welcome to the hotel/)
})

test('recipients that are skipped because they have the message are counted as skipped', async t => {
  const ses = await standIn(t)
  const { relay, observed } = await start(t, ['-r', 'ses', '--max-wait', '0'], ses.environment)
  const wire = await greeted(relay)
  const send = async () => {
    await wire.ask('MAIL FROM:<a@example.org>')
    for (let n = 0; n < 60; n++) await wire.ask(`RCPT TO:<r${n}@example.org>`)
    await wire.ask('DATA')
    return wire.ask('Subject: x\r\n\r\nx\r\n.')
  }
  ses.script({ type: 'accept' }, throttling)
  expectCode(await send(), 454)
  expectCode(await send(), 250)
  assert.deepEqual(
    ses.calls.map(({ destinations }) => destinations.length),
    [50, 10, 10],
  )
  const { of } = await observed.scrape()
  const recipients = ['accepted', 'skipped', 'temporary', 'permanent'].map(outcome =>
    of('recipients_total', { relay: 'ses', outcome }),
  )
  assert.deepEqual(recipients, [60, 50, 10, 0])
  const line = await relay.stdout.find(/"Skipped":/)
  const { To, Error: error, Skipped } = JSON.parse(line) as Record<string, unknown>
  assert.deepEqual(
    [(To as string[]).length, error, Skipped],
    [50, null, 'already delivered by an earlier attempt'],
  )
})

for (const workers of ['1', '2']) {
  test(`the admin endpoint stays open while the program drains, with --workers ${workers}`, async t => {
    const { relay, observed } = await start(t, ['-r', 'discard', '--workers', workers])
    const busy = await greeted(relay)
    await busy.open()
    relay.signal('SIGTERM')
    await relay.stderr.find(/^Shutting down/)
    assert.deepEqual(await observed.get('/readyz'), { status: 503, text: 'draining\n' })
    assert.deepEqual(await observed.get('/healthz'), { status: 200, text: 'ok\n' })
    assert.equal((await observed.scrape()).of('ready'), 0)
    busy.say('x\r\n.\r\n')
    expectCode(await busy.reply(), 250)
    await busy.rest()
    busy.vanish()
    assert.deepEqual(await relay.ended(), { code: 0, signal: null })
    await assert.rejects(observed.get('/healthz'))
  })
}

test('counts of workers are summed, and do not go back when a worker dies', async t => {
  const crew = await RelayCluster.start(t, 2, { args: admin })
  const observed = new AdminClient(crew.relay)
  await observed.untilReadiness(200, 'ok\n')
  const wires = await Promise.all([crew.client(), crew.client()])
  const pids = []
  for (const wire of wires) pids.push(await crew.pidServing(wire))
  assert.equal(new Set(pids).size, 2)
  const accepted = ({ of }: Scrape) => of('messages_total', { relay: 'maildir', outcome: 'accepted' })
  const before = await observed.scrape()
  assert.deepEqual(
    [
      accepted(before),
      before.of('connections'),
      before.of('connections_total'),
      before.of('workers', { state: 'up' }),
      before.of('workers', { state: 'missing' }),
      before.of('ready'),
      before.of('message_memory_limit_bytes'),
    ],
    [2, 2, 2, 2, 0, 1, 2 * 256 * 1024 * 1024],
  )
  process.kill(pids[0]!, 'SIGKILL')
  await crew.relay.stderr.find(/was killed by SIGKILL/)
  for (let scrapes = 0; scrapes < 5; scrapes++) assert.equal(accepted(await observed.scrape()), 2)
  await crew.reachAllWorkers()
  const after = await observed.untilMetrics(
    ({ of }) => of('workers', { state: 'up' }) === 2,
    'another worker',
  )
  assert.ok(accepted(after)! >= 4)
  await observed.untilReadiness(200, 'ok\n')
  for (const wire of wires) wire.vanish()
})

test('a worker that does not answer is missing until it answers, and no probe waits for it', async t => {
  const crew = await RelayCluster.start(t, 2, { args: admin })
  const observed = new AdminClient(crew.relay)
  const wire = await crew.client()
  const pid = await crew.pidServing(wire)
  const whole = await observed.scrape()
  process.kill(pid, 'SIGSTOP')
  const begun = performance.now()
  assert.deepEqual(await observed.get('/readyz'), { status: 503, text: 'workers: 1 of 2 do not answer\n' })
  const part = await observed.scrape()
  assert.ok(performance.now() - begun < 4_000)
  assert.deepEqual([part.of('workers', { state: 'missing' }), part.of('ready')], [1, 0])
  assert.equal(part.of('connections_total'), whole.of('connections_total'))
  process.kill(pid, 'SIGCONT')
  await observed.untilReadiness(200, 'ok\n')
  wire.vanish()
})

test('docs/operations.md lists exactly the metrics, with their types and labels', async t => {
  const ses = await standIn(t)
  const args = ['-r', 'ses', ...tlsArguments, '--allow-plaintext-auth']
  const seen = new Map<string, readonly Family[]>()
  for (const workers of ['1', '2']) {
    const { relay, observed } = await start(t, [...args, '--workers', workers], ses.environment)
    const wire = await greeted(relay)
    await wire.ask(`AUTH PLAIN ${credentials}`)
    await wire.ask('QUIT')
    wire.vanish()
    // A garbage collection may not have happened yet.
    const { families, text } = await observed.untilMetrics(
      ({ families }) => families.get('nodejs_gc_duration_seconds')!.samples.length > 0,
      'garbage',
    )
    for (const family of families.values()) seen.set(family.name, [...(seen.get(family.name) ?? []), family])
    await t.test(`promtool accepts the metrics, with --workers ${workers}`, sub => {
      const found = promtool(text)
      if (found === undefined) return sub.skip('promtool (Debian: prometheus) is not installed')
      assert.deepEqual([found.stdout, found.stderr, found.status], ['', '', 0])
    })
  }
  const documented = new Map(
    [...operations().matchAll(/^\| `(\w+)` \| (\w+) \|([^|]*)\|/gm)].map(([, name, type, labels]) => [
      name!,
      `${type} ${labels!.replaceAll('`', '').trim()}`.trim(),
    ]),
  )
  const shown = [...seen].map(([name, families]) => [name, rowOf(families, documented.get(name))] as const)
  assert.deepEqual(Object.fromEntries(shown.sort()), Object.fromEntries([...documented].sort()))
})

test('with --verbose, connections, TLS, logins and replies that are errors have lines of their own', async t => {
  const { relay } = await start(t, ['-r', 'discard', '--verbose', ...tlsArguments])
  const wire = await greeted(relay, true)
  expectCode(await wire.ask('VRFY'), 501)
  expectCode(await wire.ask(`AUTH PLAIN ${credentials}`), 235)
  await wire.ask('QUIT')
  wire.vanish()
  await relay.stdout.find(/"Event":"disconnect"/)
  const events = relay.stdout.all.map(line => JSON.parse(line).Event)
  assert.deepEqual(events, ['connect', 'tls', 'auth ok', 'disconnect'])
  const refusal = JSON.parse(await relay.stderr.find(/"Event":"reply"/))
  assert.equal(refusal.Error, '501 5.5.4 Syntax: VRFY address')
})

/** Returns type and labels of a metric; those of the documentation if the metric has no series yet. */
function rowOf(families: readonly Family[], documented = ''): string {
  const { type } = families[0]!
  const samples = families.flatMap(({ samples }) => samples)
  if (samples.length === 0 && documented.startsWith(type)) return documented
  const labels = new Set(samples.flatMap(sample => [...sample.labels.keys()]))
  labels.delete('le')
  return `${type} ${[...labels].join(', ')}`.trim()
}

function operations(): string {
  return readFileSync(fileURLToPath(new URL('../../docs/operations.md', import.meta.url)), 'utf8')
}

function expiryOfFixture(): number {
  return Date.parse(new X509Certificate(readFileSync(certificatePath)).validTo) / 1000
}

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from '../../src/config/index.ts'
import { argumentsOfPid1, probe, probeSourceAddress } from '../../src/program/health-probe.ts'
import { testTimeoutMs, within } from '../support/deadline.ts'
import { freePort } from '../support/free-port.ts'
import { Lines } from '../support/lines.ts'
import { RelayProcess, run, tlsArguments } from '../support/relay-process.ts'
import { expectCode, SmtpClient } from '../support/smtp-client.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
const relay = ['-r', 'discard']
const linux = process.platform === 'linux'

/** The output of `--healthcheck` with these arguments. */
async function ask(...args: readonly string[]) {
  const { code, stdout, stderr } = await run([...relay, ...args, '--healthcheck'])
  assert.equal(stderr, '')
  return { code, stdout }
}

test('a server that sends a greeting is healthy, with and without TLS, and does not log the probe', async t => {
  const house = await RelayProcess.start(t, { args: [...relay, ...tlsArguments], implicitTls: true })
  const said = house.stderr.all.length
  const clear = await ask('-a', `127.0.0.1:${house.port}`)
  assert.deepEqual(clear, { code: 0, stdout: '220 relay.test AWS SMTP Relay ESMTP Service ready' })
  const secure = await ask(...tlsArguments, '-a', `tls://127.0.0.1:${house.tlsPort}`)
  assert.deepEqual(secure, clear)
  await house.stop()
  assert.deepEqual([house.stdout.all, house.stderr.all.slice(said, -1)], [[], []])
})

test('without a host in the address, the probe connects to loopback', async t => {
  const port = await freePort()
  const house = await RelayProcess.start(t, { args: relay, port })
  assert.equal((await ask('-a', `:${house.port}`)).code, 0)
})

test('the probe sends a PROXY header if this machine is a trusted load balancer', async t => {
  const args = ['--proxy-protocol', '127.0.0.0/8']
  const house = await RelayProcess.start(t, { args: [...relay, ...tlsArguments, ...args], implicitTls: true })
  assert.equal((await ask(...args, '-a', `127.0.0.1:${house.port}`)).code, 0)
  assert.equal((await ask(...args, ...tlsArguments, '-a', `tls://127.0.0.1:${house.tlsPort}`)).code, 0)
})

test('a server that accepts other addresses only is healthy, and does not log the probe', {
  skip: !linux,
}, async t => {
  const house = await RelayProcess.start(t, { args: [...relay, '-i', '192.0.2.1'] })
  const { code, stdout } = await ask('-a', `127.0.0.1:${house.port}`)
  assert.deepEqual([code, stdout.slice(0, 9)], [0, '554 5.7.1'])
  // The refusal of any other client is logged, and this line is the first one.
  const stranger = await SmtpClient.connect(house.port)
  expectCode(await stranger.reply(), 554)
  await house.stderr.find(/Invalid client IP/)
  const lines = house.stderr.all.filter(line => line.includes('Invalid client IP'))
  assert.deepEqual([lines.length, JSON.parse(lines[0]!).IP], [1, '127.0.0.1'])
})

test('a failed login or a denied sender from the address of the health check is logged and counted', {
  skip: !linux,
}, async t => {
  const directory = await temporaryDirectory(t)
  const users = join(directory, 'users')
  // The hash of `password`, from `htpasswd -B`.
  const hash = '$2y$10$85/eICRuwBwutrou64G5HeoF3Ek/qf1YKPLba7ckiMxUTAeLIeyaC'
  await writeFile(users, `ann:${hash}:@example\\.org$\n`)
  const admin = await freePort()
  const access = ['--users-file', users, '--allow-plaintext-auth', '--admin', `127.0.0.1:${admin}`]
  const house = await RelayProcess.start(t, { args: [...relay, ...access] })
  const wire = await SmtpClient.connect(house.port, { from: probeSourceAddress })
  await wire.greet()
  const login = (password: string) => Buffer.from(`\0ann\0${password}`).toString('base64')
  expectCode(await wire.ask(`AUTH PLAIN ${login('guess')}`), 535)
  expectCode(await wire.ask(`AUTH PLAIN ${login('password')}`), 235)
  expectCode(await wire.ask('MAIL FROM:<ceo@example.com>'), 550)
  for (const error of [/Invalid password of user: ann/, /denied sender: user ann may not send/])
    assert.equal(JSON.parse(await house.stderr.find(error)).IP, probeSourceAddress)
  const metrics = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text()
  assert.match(metrics, /^aws_smtp_relay_auth_attempts_total\{mechanism="PLAIN",outcome="refused"\} 1$/m)
  assert.match(metrics, /^aws_smtp_relay_rejections_total\{reason="sender_denied"\} 1$/m)
})

test('a server that is full is healthy: a restart would not help', async t => {
  const house = await RelayProcess.start(t, { args: [...relay, '--max-connections', '1'] })
  await (await SmtpClient.connect(house.port)).greet()
  const { code, stdout } = await ask('-a', `127.0.0.1:${house.port}`)
  assert.deepEqual([code, stdout.slice(0, 4)], [0, '421 '])
})

test('the probe uses another source address if its own is not available', async t => {
  const house = await RelayProcess.start(t, { args: relay })
  const parsed = parse([...relay, '-a', `127.0.0.1:${house.port}`], {})
  if (parsed.type !== 'settings') assert.fail(JSON.stringify(parsed))
  // An address that no machine has (RFC 5737).
  const { healthy, sentence } = await probe(parsed.settings, '203.0.113.7')
  assert.ok(healthy, sentence)
})

test('the exit code is 1 without a server, with another server, and with a silent one', async t => {
  const port = await freePort()
  assert.deepEqual(await ask('-a', `127.0.0.1:${port}`), {
    code: 1,
    stdout: `connect ECONNREFUSED 127.0.0.1:${port}`,
  })
  assert.equal((await ask('-a', '127.0.0.1:0')).code, 1)
  const behaviours: Record<string, RegExp> = {
    '': /^No greeting within 3 s$/,
    'SSH-2.0-x\r\n': /^SSH-2\.0-x$/,
    '220 \x1b[31m\r\n': /^220 \\x1b\[31m$/,
  }
  for (const [greeting, sentence] of Object.entries(behaviours)) {
    const other = createServer(socket => {
      socket.on('error', () => {})
      socket.write(greeting)
    }).listen(0, '127.0.0.1')
    await once(other, 'listening')
    t.after(() => other.close())
    const { code, stdout } = await ask('-a', `127.0.0.1:${(other.address() as AddressInfo).port}`)
    assert.match(stdout, sentence)
    assert.equal(code, greeting.startsWith('220') ? 0 : 1)
  }
})

test('the arguments of the first process of a container are found, also with an init', () => {
  const script = '/app/dist/cli.js'
  const of = (...words: readonly string[]) => argumentsOfPid1(script, () => [...words, ''].join('\0'))
  assert.deepEqual(of('node', script, '-a', ':2525'), ['-a', ':2525'])
  assert.deepEqual(of('/sbin/docker-init', '--', 'node', script, '-n', 'A B', '-l', ''), [
    ...['-n', 'A B', '-l', ''],
  ])
  assert.deepEqual(of('/sbin/init', 'splash'), [])
  assert.deepEqual(of('node', '/app/dist/other.js', '-a', ':1'), [])
  assert.deepEqual(of(), [])
})

const isolate = ['--pid', '--fork', '--mount-proc', '--kill-child']
const canIsolate = linux && spawnSync('unshare', [...isolate, 'true']).status === 0

test('in a container the health check is about the first process, whatever its arguments are, and SIGTERM ends it', {
  skip: canIsolate ? false : 'this machine allows no namespaces (unshare)',
}, async t => {
  const port = await freePort()
  const args = [...relay, '-a', `127.0.0.1:${port}`]
  const unshare = spawn('unshare', [...isolate, process.execPath, program, ...args])
  t.after(() => unshare.kill('SIGKILL'))
  await new Lines(unshare.stderr).find(/^Try: /)
  const [first = ''] = readFileSync(`/proc/${unshare.pid}/task/${unshare.pid}/children`, 'utf8').split(' ')
  const beside = ['-t', first, '--pid', '--mount', process.execPath, program, '--healthcheck']
  const { status, stdout } = spawnSync('nsenter', beside, { encoding: 'utf8', timeout: testTimeoutMs })
  assert.match(stdout, /^220 /)
  assert.equal(status, 0)
  // Its own arguments are appended, and the last one wins.
  const other = spawnSync('nsenter', [...beside, '-a', '127.0.0.1:0'], { timeout: testTimeoutMs })
  assert.equal(other.status, 1)
  // The kernel sends the first process no signal without a handler.
  const exit = once(unshare, 'exit')
  process.kill(Number(first), 'SIGTERM')
  assert.deepEqual(await within(exit, 'the first process to end'), [0, null])
})

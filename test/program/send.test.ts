import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { testTimeoutMs, within } from '../support/deadline.ts'
import { storedMessages } from '../support/maildir.ts'
import { RelayProcess, tlsArguments } from '../support/relay-process.ts'
import { type Scope, temporaryDirectory } from '../support/temporary-directory.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const words = ['--import', 'tsx', 'scripts/send.ts']

/** The result of `npm run send` with these arguments. */
async function send(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [...words, ...args], {
    cwd: repository,
    env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', ...env },
    timeout: testTimeoutMs,
  })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text))
  }
  const [code] = await within(once(child, 'close'), 'the sender to end', () => said.stderr)
  return { code, ...said }
}

async function house(scope: Scope, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const maildir = join(await temporaryDirectory(scope), 'maildir')
  const relay = await RelayProcess.start(scope, {
    args: ['-r', 'maildir', '--maildir', maildir, ...tlsArguments, ...args],
    env,
    implicitTls: true,
  })
  return { relay, maildir }
}

test('the dialogue is printed as swaks does, and the message arrives', async t => {
  const { relay, maildir } = await house(t)
  const server = `127.0.0.1:${relay.port}`
  const to = ['--to', 'b@example.org', '--to', 'c@example.org']
  const { code, stdout, stderr } = await send([
    ...to,
    '--subject',
    'Größe',
    '--size',
    '10KiB',
    '--server',
    server,
  ])
  assert.deepEqual([code, stderr], [0, ''])
  for (const line of [
    '=== Connection established to ',
    '<-  220 relay.test ',
    ' -> STARTTLS\n',
    '=== Connection upgraded with STARTTLS\n',
    ' -> RCPT TO:<c@example.org>\n',
    '<-  354 ',
    '<-  250 2.0.0 Ok ',
    'The message was accepted in ',
  ]) {
    assert.ok(stdout.includes(line), `${line} is not in ${stdout}`)
  }
  assert.match(stdout, /^ -> <\d+ bytes encoded mime message/m)
  const [mail] = await storedMessages(maildir)
  const content = mail!.content.toString('latin1')
  assert.ok(content.length > 10_240 && content.length < 12_000)
  assert.match(content, /^Subject: =\?UTF-8\?/m)
})

test('many messages use one connection, whose dialogue is printed once', async t => {
  const { relay, maildir } = await house(t)
  const { code, stdout } = await send([
    ...['--to', 'b@example.org', '--count', '5', '--tls', '--server', `127.0.0.1:${relay.tlsPort}`],
  ])
  assert.equal(code, 0)
  assert.equal((await storedMessages(maildir)).length, 5)
  assert.deepEqual([stdout.match(/220 /g)?.length, stdout.match(/MAIL FROM/g)?.length], [1, 1])
  assert.match(stdout, /\n5 of 5 messages were accepted in [\d.]+ s, \d+ per second\n$/)
})

test('a password is used and never printed', async t => {
  const password = 'hunter2hunter2'
  const { relay } = await house(t, ['-u', 'tim'], { PASSWORD: password })
  const args = ['--to', 'b@example.org', '--user', 'tim', '--server', `tls://127.0.0.1:${relay.tlsPort}`]
  const right = await send(args, { PASSWORD: password })
  assert.equal(right.code, 0)
  assert.match(right.stdout, /<- {2}235 /)
  const wrong = await send(args, { PASSWORD: `${password}!` })
  assert.equal(wrong.code, 1)
  for (const { stdout, stderr } of [right, wrong]) {
    const base64 = [...(stdout + stderr).matchAll(/[A-Za-z0-9+/=]{8,}/g)].map(([word]) =>
      Buffer.from(word, 'base64').toString('latin1'),
    )
    assert.doesNotMatch([stdout, stderr, ...base64].join('\n'), /hunter2/)
  }
})

test('a refused message, or no server, ends with 1 and the reason', async t => {
  const { relay } = await house(t, ['-d', '^b@'])
  const refused = await send(['--to', 'b@example.org', '--server', `127.0.0.1:${relay.port}`])
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /550 5\.7\.1/)
  assert.match(refused.stdout, /\nThe message was not accepted in [\d.]+ s\n$/)
  await relay.stop()
  const nobody = await send(['--to', 'b@example.org', '--server', `127.0.0.1:${relay.port}`])
  assert.equal(nobody.code, 1)
  assert.match(nobody.stderr, /ECONNREFUSED/)
})

test('replies of a server are escaped for the terminal', async t => {
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.end('220-\x1b[2J\r\n554 \x1b]0;x\x07\r\n')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const port = (server.address() as AddressInfo).port
  const { code, stdout, stderr } = await send(['--to', 'b@example.org', '--server', `127.0.0.1:${port}`])
  assert.equal(code, 1)
  assert.match(stdout, /220-\\x1b\[2J/)
  assert.doesNotMatch(stdout + stderr, /[\x00-\x09\x0b-\x1f]/)
})

test('an invalid option ends with 2 and the usage', async () => {
  for (const [args, message] of [
    [[], '--to is missing'],
    [['--to', 'b@example.org', '--count', '0'], '--count 0: must be a whole number, at least 1'],
    [
      ['--to', 'b@example.org', '--server', 'x'],
      '--server x: listen tcp: address x: missing port in address',
    ],
    [['--to', 'b@example.org', '--user', 'tim'], '--user needs its password in the variable PASSWORD'],
    [['--nonsense'], "Unknown option '--nonsense'"],
  ] as const) {
    const { code, stdout, stderr } = await send(args)
    assert.deepEqual([code, stdout], [2, ''])
    assert.ok(stderr.startsWith(message), stderr)
    assert.match(stderr, /\nUsage: npm run send /)
  }
  assert.equal((await send(['--help'])).code, 0)
})

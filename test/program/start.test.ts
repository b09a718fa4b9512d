import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { within } from '../support/deadline.ts'
import { Lines } from '../support/lines.ts'
import { storedMessages } from '../support/maildir.ts'
import { certificatePath, keyPath, RelayProcess, run, tlsArguments } from '../support/relay-process.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import { type Scope, temporaryDirectory } from '../support/temporary-directory.ts'

test('--help prints every option and ends with 0', async () => {
  const { code, stdout, stderr } = await run(['--help'])
  assert.equal(code, 0)
  assert.equal(stderr, '')
  for (const option of ['-a', '--listen', '-r', '--relay', '--maildir', 'PASSWORD']) {
    assert.ok(stdout.includes(option), option)
  }
})

test('--version prints the version and ends with 0', async () => {
  const { code, stdout, stderr } = await run(['--version'])
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^\d+\.\d+\.\d+$/)
})

test('an invalid command line ends with 2, and prints the message before and after the help', async () => {
  for (const [args, message] of [
    [['-x'], 'flag provided but not defined: -x'],
    [['-h'], 'flag needs an argument: -h'],
    [['-=x'], 'bad flag syntax: -=x'],
    [['-s=maybe'], 'invalid boolean value "maybe" for -s: parse error'],
    [['serve'], 'unexpected argument: serve'],
  ] as const) {
    const { code, stdout, stderr } = await run(args)
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.ok(stderr.startsWith(`${message}\n`), stderr)
    assert.match(stderr, /--listen/)
    // The help is longer than a screen, so the message is also at the end.
    assert.ok(stderr.trimEnd().endsWith(`\n\n${message}`), stderr)
  }
})

test('settings that cannot work end with 1 and one line of text', async t => {
  const conflicts: [args: readonly string[], message: RegExp][] = [
    [['-r', 'pigeon'], /^Invalid relay API: pigeon$/],
    [['-a', 'foo'], /^listen tcp: address foo: missing port in address$/],
    [['-s'], /^-s\/--require-starttls needs -c\/--tls-cert and -k\/--tls-key$/],
    [['-t'], /^-t\/--tls-only needs /],
    [['-c', certificatePath], /needs -k/],
    [['-k', keyPath], /needs -c/],
    [['-u', 'user'], /^-u\/--user needs a secret: set BCRYPT_HASH or PASSWORD$/],
  ]
  for (const [args, message] of conflicts) {
    await t.test(args.slice(0, 2).join(' ').replace(/\S*\//, ''), () =>
      fails(['-r', 'discard', ...args], message),
    )
  }
})

test('memory that cannot hold one message of the largest size ends with 1', async t => {
  const message = (memory: number, largest: number) =>
    new RegExp(
      `^--message-memory \\(${memory} bytes\\) cannot hold one message of the largest size: ${largest} bytes may take \\d+ in memory, and \\d+ are kept for small messages; raise --message-memory to \\d+ or lower --max-size$`,
    )
  const start = ['-r', 'discard', '-a', '127.0.0.1:0']
  await fails([...start, '--message-memory', '1MiB'], message(1_048_576, 41_943_040))
  await fails([...start, '--message-memory', '1MiB', '--max-size', '512KiB'], message(1_048_576, 524_288))
  await fails([...start, '--max-size', '1GiB'], message(268_435_456, 1_073_741_824))
  const ses = ['-r', 'ses', '-a', '127.0.0.1:0']
  await fails([...ses, '--message-memory', '40MiB'], message(41_943_040, 10_485_760))
  // It could hold one message, but would have no reserve besides.
  const { stderr } = await run([...ses, '--message-memory', '42MiB'])
  assert.match(stderr, message(44_040_192, 10_485_760))
  // The memory that the error names is enough.
  const [, least = ''] = /raise --message-memory to (\d+)/.exec(stderr) ?? []
  await fails([...ses, '--message-memory', String(Number(least) - 1)], message(Number(least) - 1, 10_485_760))
  await RelayProcess.start(t, {
    args: ['-r', 'ses', '--message-memory', least],
    env: { AWS_REGION: 'eu-west-1' },
  })
})

test('an address in use ends with 1', async t => {
  const relay = await RelayProcess.start(t, { args: ['-r', 'discard'] })
  const address = `127.0.0.1:${relay.port}`
  await fails(
    ['-r', 'discard', '-a', address],
    new RegExp(`^listen tcp ${address}: bind: address already in use$`),
  )
})

test('a certificate or key that cannot be used ends with 1', async t => {
  const encrypted = fixture('key.encrypted.pem')
  const missing = '/nonexistent/file.pem'
  const noFile = new RegExp(`^open ${missing}: no such file or directory$`)
  const noPassphrase = /^tls: private key is encrypted, its passphrase is missing$/
  const wrongPassphrase = /^tls: passphrase of the private key is wrong$/
  const broken: [name: string, cert: string, key: string, message: RegExp, env?: Record<string, string>][] = [
    ['no certificate', missing, keyPath, noFile],
    ['no key', certificatePath, missing, noFile],
    ['a key as the certificate', keyPath, keyPath, /^tls: failed to find any certificate in PEM format$/],
    ['a certificate as the key', certificatePath, certificatePath, /^tls: failed to parse private key$/],
    ['no passphrase', certificatePath, encrypted, noPassphrase],
    ['a wrong passphrase', certificatePath, encrypted, wrongPassphrase, { TLS_KEY_PASS: 'wrong' }],
    [
      'a wrong passphrase, traditional form',
      certificatePath,
      fixture('key.traditional.pem'),
      wrongPassphrase,
      { TLS_KEY_PASS: 'wrong' },
    ],
  ]
  for (const [name, cert, key, message, env] of broken) {
    await t.test(name, async () => {
      await fails(['-r', 'discard', '-a', '127.0.0.1:0', '-c', cert, '-k', key], message, env)
    })
  }
})

test('a key with a passphrase can be used, in either form', async t => {
  for (const key of ['key.encrypted.pem', 'key.traditional.pem']) {
    const relay = await RelayProcess.start(t, {
      args: ['-r', 'discard', '-c', certificatePath, '-k', fixture(key)],
      env: { TLS_KEY_PASS: 'test' },
      implicitTls: true,
    })
    const wire = await SmtpClient.connect(relay.tlsPort, { tls: true })
    await wire.greet()
  }
})

test('a Maildir that cannot be created ends with 1', async t => {
  const directory = await temporaryDirectory(t)
  const file = join(directory, 'file')
  await writeFile(file, '')
  const address = ['-a', '127.0.0.1:0']
  await fails(['-r', 'maildir', ...address, '--maildir', join(file, 'sub')], /^maildir .*\/file\/sub: .+$/)
  await mkdir(join(directory, 'half'))
  await writeFile(join(directory, 'half', 'new'), '')
  await fails(['-r', 'maildir', ...address, '--maildir', join(directory, 'half')], /^maildir .*\/half: .+$/)
})

test('the startup message says where the program listens, which backend it uses, and how to send a message', async t => {
  const maildir = join(await temporaryDirectory(t), 'maildir')
  const relay = await RelayProcess.start(t, {
    args: ['-r', 'maildir', '--maildir', maildir, '-u', 'me', ...tlsArguments],
    env: { PASSWORD: 'very secret' },
    implicitTls: true,
  })
  const { port, tlsPort } = relay
  assert.deepEqual(relay.stdout.all, [])
  const [where, what, how, ...rest] = relay.stderr.all
  assert.match(
    where!,
    new RegExp(`^aws-smtp-relay \\S+ listens on 127.0.0.1:${port}, tls://127.0.0.1:${tlsPort}$`),
  )
  assert.equal(what, `Backend: maildir (one file per message in ${maildir}/new)`)
  assert.match(
    how!,
    new RegExp(
      `^Try: printf .* \\| curl smtp://127.0.0.1:${port}/\\S+ --ssl-reqd --insecure --user me --mail-from `,
    ),
  )
  assert.deepEqual(rest, [])
})

test('with port 0 the startup message says the real port', async t => {
  const relay = await RelayProcess.start(t, { args: ['-r', 'discard', '-a', '127.0.0.1:0'] })
  assert.notEqual(relay.port, 0)
  await (await SmtpClient.connect(relay.port)).greet()
  assert.match(relay.stderr.all[2]!, new RegExp(`curl smtp://127\\.0\\.0\\.1:${relay.port}/`))
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} sends 421 to idle clients and ends with 0`, async t => {
    const { relay } = await withMaildir(t)
    const silent = await SmtpClient.connect(relay.port)
    await silent.reply()
    const idle = await SmtpClient.connect(relay.port)
    await idle.greet()
    const secure = await SmtpClient.connect(relay.tlsPort, { tls: true })
    await secure.greet()
    relay.signal(signal)
    for (const wire of [silent, idle, secure]) {
      assert.equal(await wire.rest(), '421 4.3.2 relay.test is shutting down, try again later\r\n')
      wire.vanish()
    }
    assert.deepEqual(await relay.ended(), { code: 0, signal: null })
  })
}

test('SIGTERM lets a client finish its message: 250, then 421', async t => {
  const { relay, maildir } = await withMaildir(t)
  const idle = await SmtpClient.connect(relay.port)
  await idle.greet()
  const busy = await SmtpClient.connect(relay.port)
  await busy.greet()
  await busy.open()
  await busy.put('Subject: x\r\n')
  relay.signal('SIGTERM')
  // When the idle client has got 421, the signal has arrived.
  await idle.rest()
  idle.vanish()
  await assert.rejects(SmtpClient.connect(relay.port), { code: 'ECONNREFUSED' })
  busy.say('\r\nlate\r\n.\r\n')
  assert.match((await busy.reply()).text, /^250 2\.0\.0 Ok \S+$/)
  assert.match((await busy.reply()).text, /^421 4\.3\.2 /)
  assert.equal(await busy.rest(), '')
  busy.vanish()
  assert.deepEqual(await relay.ended(), { code: 0, signal: null })
  const [mail] = await storedMessages(maildir)
  assert.equal(mail!.content.toString(), 'Subject: x\r\n\r\nlate\r\n')
})

test('a client that does not finish its message gets 421 after --drain-timeout', async t => {
  const { relay, maildir } = await withMaildir(t, '--drain-timeout', '0.2')
  const wire = await SmtpClient.connect(relay.port)
  await wire.greet()
  await wire.open()
  await wire.put('never finished\r\n')
  relay.signal('SIGTERM')
  assert.match(await wire.rest(), /^421 4\.3\.2 /)
  wire.vanish()
  assert.deepEqual(await relay.ended(), { code: 0, signal: null })
  assert.deepEqual(await storedMessages(maildir), [])
})

test('a second signal ends the program at once', async t => {
  const { relay } = await withMaildir(t)
  const idle = await SmtpClient.connect(relay.port)
  await idle.greet()
  const busy = await SmtpClient.connect(relay.port)
  await busy.greet()
  await busy.open()
  relay.signal('SIGTERM')
  await idle.rest()
  assert.ok(relay.alive)
  relay.signal('SIGTERM')
  assert.deepEqual(await relay.ended(), { code: 1, signal: null })
  await busy.rest()
})

test('the program continues if the reader of the log goes away', async t => {
  const { relay, maildir } = await withMaildir(t)
  relay.stopReading()
  const wire = await SmtpClient.connect(relay.port)
  await wire.greet()
  for (let mails = 0; mails < 3; mails++) assert.equal((await wire.mail('x\r\n')).code, 250)
  assert.equal((await storedMessages(maildir)).length, 3)
  assert.ok(relay.alive)
})

async function withMaildir(scope: Scope, ...args: readonly string[]) {
  const maildir = join(await temporaryDirectory(scope), 'maildir')
  const relay = await RelayProcess.start(scope, {
    args: ['-r', 'maildir', '--maildir', maildir, ...tlsArguments, ...args],
    implicitTls: true,
  })
  return { relay, maildir }
}

/** The program must end with 1 and print one line: what is wrong. */
async function fails(args: readonly string[], message: RegExp, env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await run(args, env)
  assert.match(stderr, message)
  assert.ok(!stderr.includes('\n'), stderr)
  assert.deepEqual([code, stdout], [1, ''])
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
}

for (const workers of ['1', '2']) {
  test(`SIGTERM during the start ends the program, with --workers ${workers}`, async t => {
    const folder = await temporaryDirectory(t)
    const users = join(folder, 'users')
    // A file that cannot be read to its end until this test has written it.
    execFileSync('mkfifo', [users])
    const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
    const child = spawn(
      process.execPath,
      [
        program,
        '-r',
        'discard',
        '-a',
        '127.0.0.1:0',
        '--users-file',
        users,
        '--allow-plaintext-auth',
        '--workers',
        workers,
      ],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    t.after(() => void child.kill('SIGKILL'))
    const stderr = new Lines(child.stderr)
    const ended = once(child, 'exit')
    const pipe = await within(open(users, 'w'), 'the program to read its users')
    child.kill('SIGTERM')
    await pipe.writeFile('tim:$2y$10$85/eICRuwBwutrou64G5HeoF3Ek/qf1YKPLba7ckiMxUTAeLIeyaC\n')
    await pipe.close()
    assert.deepEqual(await within(ended, 'the end', () => stderr.all.join('\n')), [0, null])
  })
}

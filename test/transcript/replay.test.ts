import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { SMTPServer } from 'smtp-server'
import { certificatePath, keyPath, RelayProcess, tlsArguments } from '../support/relay-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { smtpTranscript } from './command.ts'

interface Row {
  readonly file: string
  readonly outcome: string
  readonly reason?: string
  readonly difference?: { readonly after: string; readonly expected: string; readonly got: string }
}

async function replay(port: number, ...args: string[]) {
  const server = ['--server', `127.0.0.1:${port}`]
  return smtpTranscript(['replay', ...server, ...args])
}

const outcomes = (stdout: string, type: string) =>
  (JSON.parse(stdout) as Row[]).filter(({ outcome }) => outcome === type).map(({ file }) => file)

describe('replay against this program', () => {
  const otherWay = 'fixtures/login/password-where-there-is-no-tls.smtp'

  it('agrees except where the server would need other settings', async t => {
    const relay = await RelayProcess.start(t, { args: ['-r', 'discard', ...tlsArguments] })
    const { code, stdout } = await replay(relay.port, '--json', '--jobs', '4')
    assert.deepEqual(outcomes(stdout, 'differs'), [])
    assert.deepEqual(outcomes(stdout, 'other code'), [otherWay])
    assert.ok(outcomes(stdout, 'agrees').length > 150)
    assert.equal(code, 0)
  })

  it('agrees under TLS, and verifies the certificate', async t => {
    const relay = await RelayProcess.start(t, { args: ['-r', 'discard', ...tlsArguments], implicitTls: true })
    const verify = ['--tls', '--ca', certificatePath, '--tls-name', 'relay.test']
    const { code, stdout } = await replay(relay.tlsPort, ...verify, '--json', '--jobs', '4')
    assert.deepEqual([outcomes(stdout, 'differs'), outcomes(stdout, 'other code'), code], [[], [], 0])
    assert.ok(outcomes(stdout, 'agrees').length > 150)
    const other = await replay(relay.tlsPort, '--tls', '--ca', certificatePath, '--tls-name', 'other.test')
    assert.equal(other.code, 2)
    assert.match(other.stderr, /TLS failed: .*other\.test/)
  })

  it('agrees about logins, limits and newlines if --with declares the settings', async t => {
    const relay = await RelayProcess.start(t, {
      args: [
        '-r',
        'discard',
        '--bare-newline',
        'reject',
        '--allow-plaintext-auth',
        '-u',
        'tim',
        ...tlsArguments,
      ],
      env: { PASSWORD: 'secret' },
    })
    const setup = 'login=required, bare-newline=reject'
    const { code, stdout } = await replay(
      relay.port,
      '--json',
      '--with',
      setup,
      '--user',
      'tim:secret',
      '--jobs',
      '4',
    )
    assert.deepEqual([outcomes(stdout, 'differs'), code], [[], 0])
    const agree = outcomes(stdout, 'agrees')
    assert.ok(agree.includes('fixtures/login/plain-with-initial-response.smtp'), stdout)
  })
})

describe("replay against nodemailer's smtp-server", () => {
  it('shows where it differs, in a report for people and in JSON', async t => {
    const port = await listen(
      t,
      new SMTPServer({ authOptional: true, disableReverseLookup: true, ...certificate }),
    )
    const files = ['fixtures/envelope', 'fixtures/session/tab-separates-nothing.smtp']
    const { code, stdout } = await replay(port, ...files)
    assert.equal(code, 1)
    assert.match(stdout, /^\| folder +\| agrees \| other code \| differs \| skipped \|$/m)
    assert.match(stdout, /^Skipped:$/m)
    assert.match(
      stdout,
      /bad-domains\.smtp: An invalid domain is refused\n {2}Spec {6}RFC 5321.*\n {2}after {5}C: MAIL FROM:<a@-x\.example>\n {2}expected {2}501 .*\n {2}got {7}250 /,
    )
    const rows = JSON.parse((await replay(port, '--json', ...files)).stdout) as Row[]
    const differing = rows.find(({ file }) => file.endsWith('bad-domains.smtp'))!
    assert.equal(differing.outcome, 'differs')
    assert.match(differing.difference!.got, /^250 /)
  })
})

/** Without a certificate, smtp-server uses one of its own and prints a warning. */
const certificate = { cert: readFileSync(certificatePath), key: readFileSync(keyPath) }

/** What a server does after it has answered EHLO correctly. */
type Misbehaviour = (socket: Socket, line: string) => void

const hello = '? connect\nS: 220 x\nC: EHLO client.test\nS: 250-x\nS: 250 HELP\n'
const dialogue = `Title: A mail\nSpec: RFC 5321\n\n${hello}C: NOOP\nS: 250 2.0.0 Ok\nC: QUIT\nS: 221 2.0.0 Bye\n> close\n`

describe('replay against a server that misbehaves', () => {
  for (const [what, misbehave, got] of [
    ['does not reply', () => {}, /^no reply before the timeout$/],
    [
      'sends a part of a reply',
      socket => socket.write('250-half'),
      /^no reply before the timeout, after a partial reply: 250-half$/,
    ],
    ['sends something that is no reply', socket => socket.write('\x1b[2Jhello\r\n'), /^\x1b\[2Jhello$/],
    [
      'replies with LF',
      socket => socket.write('250 2.0.0 Ok\n'),
      /^250 2.0.0 Ok \(a line ends with a bare LF\)$/,
    ],
    ['replies twice', socket => socket.write('250 2.0.0 Ok\r\n250 2.0.0 Ok\r\n'), /^250 2\.0\.0 Ok$/],
    ['sends the opposite reply', socket => socket.write('550 5.0.0 No\r\n'), /^550 5\.0\.0 No$/],
    ['replies with another class', socket => socket.write('250 4.0.0 Later\r\n'), /^250 4\.0\.0 Later$/],
    ['closes', socket => socket.destroy(), /^the server closed the connection$/],
    ['never ends a line', socket => flood(socket, 'a'.repeat(65_536)), /more than 64 KiB/],
    ['never ends a reply', socket => flood(socket, '250-aaaaaaaa\r\n'.repeat(4096)), /more than 64 KiB/],
    ['never stops replying', socket => flood(socket, '550 5.0.0 No\r\n'.repeat(4096)), /^550 5\.0\.0 No$/],
    [
      'does not close',
      (socket, line) => socket.write(line.startsWith('QUIT') ? '221 2.0.0 Bye\r\n' : '250 2.0.0 Ok\r\n'),
      /^it stays open$/,
    ],
  ] as [string, Misbehaviour, RegExp][])
    it(`ends in time, and reports a server that ${what}`, async t => {
      const port = await listenBadly(t, misbehave)
      const file = join(await temporaryDirectory(t), 'mail.smtp')
      await writeFile(file, dialogue)
      const { code, stdout } = await replay(port, '--json', '--timeout', '0.5', file)
      const [row] = JSON.parse(stdout) as Row[]
      assert.deepEqual([code, row!.outcome], [1, 'differs'])
      assert.match(row!.difference!.got, got)
    })

  it('escapes control characters of the server', async t => {
    const port = await listenBadly(t, socket => socket.write('550 \x1b[31m\x07\x9b\xff no\r\n', 'latin1'))
    const file = join(await temporaryDirectory(t), 'mail.smtp')
    await writeFile(file, dialogue)
    const { stdout } = await replay(port, file)
    assert.match(stdout, /got {7}550 \\x1b\[31m\\x07/)
    assert.doesNotMatch(stdout, /[^\x20-\x7e\n]/)
    const json = (await replay(port, '--json', file)).stdout
    assert.doesNotMatch(json, /[^\x20-\x7e\n]/)
    assert.equal((JSON.parse(json) as Row[])[0]!.difference!.got, '550 \x1b[31m\x07\x9b\xff no')
  })

  it('does not show credentials', async t => {
    const port = await listenBadly(
      t,
      (socket, line) => socket.write(/^AUTH LOGIN/.test(line) ? '334 x\r\n' : '550 No\r\n'),
      'AUTH LOGIN PLAIN',
    )
    const file = join(await temporaryDirectory(t), 'swaks.txt')
    const session = '<-  220 x\n -> EHLO c\n<-  250-x\n<-  250 AUTH LOGIN PLAIN\n'
    for (const [login, shown] of [
      [' -> AUTH PLAIN AHRpbQBodXNo\n<-  235 y\n', 'C: AUTH PLAIN ...'],
      [' -> AUTH PLAIN\tAHRpbQBodXNo\n<-  235 y\n', 'C~ AUTH PLAIN ...'],
      [' -> AUTH LOGIN\n<-  334 x\n -> aHVzaA==\n<-  334 x\n', 'C: ... (a response to a challenge)'],
    ] as const) {
      await writeFile(file, session + login)
      const { code, stdout } = await replay(port, file)
      assert.equal(code, 1, stdout)
      assert.ok(stdout.includes(`after     ${shown}\n`), stdout)
      assert.doesNotMatch(stdout, /aHVza|AHRpbQ/)
    }
  })

  it('reports a close that the transcript does not have', async t => {
    const port = await listenBadly(t, socket => socket.end('250 2.0.0 Ok\r\n'))
    const file = join(await temporaryDirectory(t), 'mail.smtp')
    await writeFile(file, `Title: A\nSpec: RFC 5321\n\n${hello}C: NOOP\nS: 250 Ok\n`)
    const [row] = JSON.parse((await replay(port, '--json', file)).stdout) as Row[]
    assert.equal(row!.difference?.got, 'the server closed it')
  })

  it('treats another code of the same class as a failure only with --strict', async t => {
    const port = await listenBadly(t, (socket, line) =>
      line.startsWith('QUIT') ? socket.end('221 Bye\r\n') : socket.write('252 2.0.0 Perhaps\r\n'),
    )
    const file = join(await temporaryDirectory(t), 'mail.smtp')
    await writeFile(file, dialogue)
    assert.equal((await replay(port, file)).code, 0)
    const strict = await replay(port, '--strict', file)
    assert.equal(strict.code, 1)
    assert.match(
      strict.stdout,
      /after {5}C: NOOP\n {2}expected {2}250 2.0.0 Ok\n {2}got {7}252 2.0.0 Perhaps/,
    )
  })
})

describe('replay ends with status 2', () => {
  it('if the port is closed', async t => {
    const server = createServer()
    const port = await listen(t, server)
    await new Promise(resolve => server.close(resolve))
    const { code, stdout, stderr } = await replay(port)
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /^127\.0\.0\.1:\d+: .*ECONNREFUSED/)
  })

  for (const [what, greeting, message] of [
    ['there is no greeting', '', /the greeting should be 220, got no reply within 300 ms/],
    ['the greeting is no reply', '\x1b[31mhello\r\n', /got \\x1b\[31mhello/],
    ['the greeting refuses', '554 5.3.2 Go away\r\n', /got 554 5\.3\.2 Go away/],
  ] as const)
    it(`if ${what}`, async t => {
      const port = await listen(
        t,
        createServer(socket => socket.on('error', () => {}).write(greeting)),
      )
      const { code, stderr } = await replay(port, '--timeout', '0.3')
      assert.equal(code, 2)
      assert.match(stderr, message)
    })

  for (const [args, message] of [
    [['--server', 'here'], /^--server must be HOST:PORT, not here$/m],
    [[], /^--server HOST:PORT is missing$/m],
    [
      ['--server', '127.0.0.1:1', '--with', 'colour=red'],
      /^--with: unknown or duplicate condition: colour=red$/m,
    ],
    [['--server', '127.0.0.1:1', '--jobs', '0'], /^--jobs must be a number of at least 1, not 0$/m],
    [['--server', '127.0.0.1:1', '--timeout', '1h'], /^--timeout must be a number of seconds, not 1h$/m],
    [['--server', '127.0.0.1:1', '--user', 'tim'], /^--user must be NAME:PASSWORD$/m],
  ] as const)
    it(`for the arguments ${args.join(' ') || '(none)'}`, async () => {
      const { code, stderr } = await smtpTranscript(['replay', ...args])
      assert.equal(code, 2)
      assert.match(stderr, message)
    })
})

/** Answers the first EHLO of a connection correctly, and passes all other data to `misbehave`. */
async function listenBadly(t: TestContext, misbehave: Misbehaviour, lists = 'HELP'): Promise<number> {
  const server = createServer(socket => {
    socket.on('error', () => {})
    t.after(() => socket.destroy())
    socket.write('220 x\r\n')
    let answeredEhlo = false
    socket.on('data', bytes => {
      if (answeredEhlo) return misbehave(socket, bytes.toString('latin1'))
      answeredEhlo = true
      socket.write(`250-x\r\n250 ${lists}\r\n`)
    })
  })
  return listen(t, server)
}

/** Writes without end, as fast as the peer reads. */
function flood(socket: Socket, piece: string): void {
  const write = () => {
    while (!socket.destroyed && socket.write(piece));
  }
  socket.on('drain', write)
  write()
}

async function listen(t: TestContext, server: Server | SMTPServer): Promise<number> {
  const inner = server instanceof SMTPServer ? server.server : server
  inner.on('error', () => {})
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  t.after(() => void server.close())
  return (inner.address() as { port: number }).port
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missingTool, runTool, type ToolResult } from '../support/external-tool.ts'
import { certificatePath } from '../support/relay-process.ts'
import { hugeBody, unfinishedBody, wholeBodies } from './bodies.ts'
import {
  ClientFixture,
  type ConnectionType,
  connectionTypes,
  expectProtocol,
  expectSameBytes,
  loginCombinations,
  mechanisms,
  user,
} from './client-fixture.ts'

const skip = missingTool('curl')

for (const way of connectionTypes) {
  test(`curl over ${way}: the mail arrives byte for byte`, { skip }, async t => {
    const stage = await ClientFixture.start(t)
    for (const { name, bytes } of [...wholeBodies, hugeBody()]) {
      await t.test(name, async () => {
        expectDone(await curl(stage, way, bytes))
        const mail = await stage.takeMessage()
        expectSameBytes(mail.content, bytes)
        expectProtocol(mail, way, false)
      })
    }
  })
}

test('the command in the startup message works', { skip }, async t => {
  const stage = await ClientFixture.start(t)
  const line = await stage.relay.stderr.find(/^Try: /)
  expectDone(await runTool('sh', ['-c', line.replace('Try: ', '')]))
  expectSameBytes((await stage.takeMessage()).content, Buffer.from('Subject: Hello\r\n\r\nHi\r\n'))
})

test('the command also works if this machine is a trusted load balancer', { skip }, async t => {
  const stage = await ClientFixture.start(t, '--proxy-protocol', '127.0.0.1')
  const line = await stage.relay.stderr.find(/^Try: /)
  expectDone(await runTool('sh', ['-c', line.replace('Try: ', '')]))
  await stage.takeMessage()
})

test('curl sends a PROXY header', { skip }, async t => {
  const stage = await ClientFixture.start(t, '--proxy-protocol', '127.0.0.1')
  for (const way of connectionTypes) {
    expectDone(await curl(stage, way, Buffer.from('x\r\n'), ['--haproxy-protocol']))
    expectProtocol(await stage.takeMessage(), way, false)
  }
})

test('curl adds a missing CRLF to the last line', { skip }, async t => {
  const stage = await ClientFixture.start(t)
  expectDone(await curl(stage, 'plain', unfinishedBody.bytes))
  expectSameBytes(
    (await stage.takeMessage()).content,
    Buffer.concat([unfinishedBody.bytes, Buffer.from('\r\n')]),
  )
})

test('curl sends LF unchanged, and CRLF arrives', { skip }, async t => {
  const stage = await ClientFixture.start(t)
  expectDone(await curl(stage, 'plain', Buffer.from('Subject: x\n\n.one\n\ntwo\n')))
  // curl stuffs a dot only after CRLF. This dot follows a bare LF, so it is sent as it is, and it is content. curl then
  // adds a CRLF, because it does not count LF as a line ending.
  expectSameBytes(
    (await stage.takeMessage()).content,
    Buffer.from('Subject: x\r\n\r\n.one\r\n\r\ntwo\r\n\r\n'),
  )
})

test('curl sends an empty file, and an empty message arrives', { skip }, async t => {
  const stage = await ClientFixture.start(t)
  expectDone(await curl(stage, 'plain', Buffer.alloc(0)))
  expectSameBytes((await stage.takeMessage()).content, Buffer.alloc(0))
})

test('curl sends two files over one connection', { skip }, async t => {
  const stage = await ClientFixture.start(t)
  const [one, two] = [await stage.file(Buffer.from('one\r\n')), await stage.file(Buffer.from('two\r\n'))]
  const mail = (file: string) => [...address(stage, 'plain'), ...envelope, '-T', file]
  const outcome = await runTool('curl', ['-sSv', ...mail(one), '--next', '-sSv', ...mail(two)])
  expectDone(outcome)
  assert.equal(outcome.stderr.match(/^< 220 /gm)?.length, 1)
  assert.equal(outcome.stderr.match(/^< 250 2\.0\.0 Ok \S+/gm)?.length, 2)
})

test('curl logs in', { skip }, async t => {
  const stage = await ClientFixture.startWithLogin(t, '--allow-plaintext-auth')
  for (const [way, mechanism] of loginCombinations) {
    await t.test(`with ${mechanism} over ${way}`, async () => {
      const login = ['--user', `${user.name}:${user.password}`, '--login-options', `AUTH=${mechanism}`]
      expectDone(await curl(stage, way, Buffer.from('Subject: x\r\n'), login))
      expectProtocol(await stage.takeMessage(), way, true)
    })
  }
})

test('curl selects a mechanism', { skip }, async t => {
  const stage = await ClientFixture.startWithLogin(t)
  for (const way of connectionTypes) {
    expectDone(await curl(stage, way, Buffer.from('x\r\n'), ['--user', `${user.name}:${user.password}`]))
    expectProtocol(await stage.takeMessage(), way, true)
  }
})

test('curl gets 535 for a wrong password and for an unknown user', { skip }, async t => {
  const stage = await ClientFixture.startWithLogin(t)
  for (const credentials of [`${user.name}:wrong`, `nobody:${user.password}`]) {
    for (const mechanism of mechanisms) {
      const login = ['--user', credentials, '--login-options', `AUTH=${mechanism}`]
      const { code, stderr } = await curl(stage, 'implicit TLS', Buffer.from('x\r\n'), login)
      assert.equal(code, 67, stderr)
      assert.match(stderr, /^< 535 5\.7\.8 Authentication credentials invalid\r$/m)
    }
  }
  await stage.expectNoMessage()
})

test('curl gets 530 for MAIL without AUTH', { skip }, async t => {
  const stage = await ClientFixture.startWithLogin(t)
  const { code, stderr } = await curl(stage, 'plain', Buffer.from('x\r\n'))
  assert.equal(code, 55, stderr)
  assert.match(stderr, /^< 530 5\.7\.0 Authentication required\r$/m)
  await stage.expectNoMessage()
})

test('with -s, curl gets 530 without TLS, and is served with TLS', { skip }, async t => {
  const stage = await ClientFixture.start(t, '-s')
  const { code, stderr } = await curl(stage, 'plain', Buffer.from('x\r\n'))
  assert.equal(code, 55, stderr)
  assert.match(stderr, /^< 530 5\.7\.0 Must issue a STARTTLS command first\r$/m)
  await stage.expectNoMessage()
  for (const way of ['STARTTLS', 'implicit TLS'] as const) {
    expectDone(await curl(stage, way, Buffer.from('x\r\n')))
    expectProtocol(await stage.takeMessage(), way, false)
  }
})

const envelope = ['--mail-from', 'a@example.org', '--mail-rcpt', 'b@example.org']

function address(stage: ClientFixture, way: ConnectionType): string[] {
  const scheme = way === 'implicit TLS' ? 'smtps' : 'smtp'
  const tls = way === 'plain' ? [] : ['--ssl-reqd', '--cacert', certificatePath]
  return [`${scheme}://127.0.0.1:${stage.port(way)}`, ...tls]
}

async function curl(
  stage: ClientFixture,
  way: ConnectionType,
  bytes: Buffer,
  options: readonly string[] = [],
): Promise<ToolResult> {
  const file = await stage.file(bytes)
  return runTool('curl', ['-sSv', ...address(stage, way), ...envelope, ...options, '-T', file])
}

function expectDone({ code, stderr }: ToolResult): void {
  assert.equal(code, 0, stderr.slice(-2000))
}

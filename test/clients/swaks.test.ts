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

const skip = missingTool('swaks')

for (const way of connectionTypes) {
  test(`swaks over ${way}: the mail arrives byte for byte`, { skip }, async t => {
    const stage = await ClientFixture.start(t)
    for (const { name, bytes } of [...wholeBodies, hugeBody()]) {
      await t.test(name, async () => {
        expectDone(await swaks(stage, way, await verbatim(stage, bytes)))
        const mail = await stage.takeMessage()
        expectSameBytes(mail.content, bytes)
        expectProtocol(mail, way, false)
      })
    }
  })
}

test('swaks adds a missing CRLF to the last line', { skip }, async t => {
  const stage = await ClientFixture.start(t)
  expectDone(await swaks(stage, 'plain', ['--data', `@${await stage.file(unfinishedBody.bytes)}`]))
  expectSameBytes(
    (await stage.takeMessage()).content,
    Buffer.concat([unfinishedBody.bytes, Buffer.from('\r\n')]),
  )
})

test('swaks without options sends LF as CRLF and adds an empty line', { skip }, async t => {
  const stage = await ClientFixture.start(t)
  const file = await stage.file(Buffer.from('Subject: x\n\n.one\n\ntwo\n'))
  expectDone(await swaks(stage, 'plain', ['--data', `@${file}`]))
  expectSameBytes(
    (await stage.takeMessage()).content,
    Buffer.from('Subject: x\r\n\r\n.one\r\n\r\ntwo\r\n\r\n'),
  )
})

test('swaks pipelines MAIL, RCPT and DATA', { skip }, async t => {
  const stage = await ClientFixture.start(t)
  for (const way of connectionTypes) {
    const content = Buffer.from('Subject: x\r\n\r\nHello\r\n')
    expectDone(await swaks(stage, way, ['--pipeline', ...(await verbatim(stage, content))]))
    expectSameBytes((await stage.takeMessage()).content, content)
  }
})

test('swaks logs in', { skip }, async t => {
  const stage = await ClientFixture.startWithLogin(t, '--allow-plaintext-auth')
  for (const [way, mechanism] of loginCombinations) {
    await t.test(`with ${mechanism} over ${way}`, async () => {
      expectDone(await swaks(stage, way, login(mechanism, user.name, user.password)))
      expectProtocol(await stage.takeMessage(), way, true)
    })
  }
})

test('swaks gets 535 for a wrong password and for an unknown user', { skip }, async t => {
  const stage = await ClientFixture.startWithLogin(t)
  for (const [name, password] of [[user.name, 'wrong'] as const, ['nobody', user.password] as const]) {
    for (const mechanism of mechanisms) {
      const { code, stdout } = await swaks(stage, 'STARTTLS', login(mechanism, name, password))
      assert.equal(code, 28, stdout)
      assert.match(stdout, /^<~\* 535 5\.7\.8 Authentication credentials invalid$/m)
    }
  }
  await stage.expectNoMessage()
})

test('swaks gets 530 for MAIL without AUTH', { skip }, async t => {
  const stage = await ClientFixture.startWithLogin(t)
  const { code, stdout } = await swaks(stage, 'plain')
  assert.equal(code, 23, stdout)
  assert.match(stdout, /^<\*\* 530 5\.7\.0 Authentication required$/m)
  await stage.expectNoMessage()
})

test('with -s, swaks gets 530 without TLS, and is served with TLS', { skip }, async t => {
  const stage = await ClientFixture.start(t, '-s')
  const { code, stdout } = await swaks(stage, 'plain')
  assert.equal(code, 23, stdout)
  assert.match(stdout, /^<\*\* 530 5\.7\.0 Must issue a STARTTLS command first$/m)
  await stage.expectNoMessage()
  for (const way of ['STARTTLS', 'implicit TLS'] as const) {
    expectDone(await swaks(stage, way))
    expectProtocol(await stage.takeMessage(), way, false)
  }
})

for (const [version, family, address] of [
  ['1', 'TCP4', '192.0.2.7'],
  ['1', 'TCP6', '2001:db8::7'],
  ['2', 'AF_INET', '192.0.2.7'],
  ['2', 'AF_INET6', '2001:db8::7'],
] as const) {
  test(`swaks sends a PROXY header of version ${version} for ${family}`, { skip }, async t => {
    const stage = await ClientFixture.start(
      t,
      '--proxy-protocol',
      '127.0.0.1',
      '-i',
      '192.0.2.0/24,2001:db8::/32',
    )
    const header = ['--proxy-version', version, '--proxy-family', family]
    const [source, destination] = [address, address.replace(/7$/, '25')]
    const ends = ['--proxy-source', source, '--proxy-dest', destination]
    const ports = ['--proxy-source-port', '40000', '--proxy-dest-port', '25']
    for (const way of connectionTypes) {
      expectDone(await swaks(stage, way, [...header, ...ends, ...ports]))
      const { received } = await stage.takeMessage()
      const literal = address.includes(':') ? `IPv6:${address}` : address
      assert.ok(received.includes(`from client.test ([${literal}])`), received)
    }
  })
}

/** Returns arguments with which swaks sends exactly these bytes. The caller stuffs dots; swaks adds the last CRLF. */
async function verbatim(stage: ClientFixture, bytes: Buffer): Promise<string[]> {
  const stuffed = bytes.toString('latin1').replace(/(^|\r\n)\./g, '$1..')
  const file = await stage.file(Buffer.from(`${stuffed}.`, 'latin1'))
  return ['--no-data-fixup', '--data', `@${file}`, '--suppress-data']
}

function login(mechanism: string, name: string, password: string): string[] {
  return ['--auth', mechanism, '--auth-user', name, '--auth-password', password]
}

function swaks(
  stage: ClientFixture,
  way: ConnectionType,
  options: readonly string[] = [],
): Promise<ToolResult> {
  const trust = ['--tls-verify', '--tls-ca-path', certificatePath]
  const tls = { plain: [], STARTTLS: ['--tls', ...trust], 'implicit TLS': ['--tls-on-connect', ...trust] }
  const server = ['--server', '127.0.0.1', '--port', String(stage.port(way)), '--helo', 'client.test']
  const envelope = ['--from', 'a@example.org', '--to', 'b@example.org']
  return runTool('swaks', [...server, ...tls[way], ...envelope, ...options])
}

function expectDone({ code, stdout, stderr }: ToolResult): void {
  assert.equal(code, 0, stdout.slice(-2000) + stderr)
}

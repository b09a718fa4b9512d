import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { missingTool, runTool } from '../support/external-tool.ts'
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

const skip = missingTool('python3')
const script = fileURLToPath(new URL('smtplib-send.py', import.meta.url))

for (const way of connectionTypes) {
  test(`smtplib over ${way}: the mail arrives byte for byte`, { skip }, async t => {
    const stage = await ClientFixture.start(t)
    for (const { name, bytes } of [...wholeBodies, hugeBody()]) {
      await t.test(name, async () => {
        const last = (await send(stage, way, [bytes])).at(-1)!
        const mail = await stage.takeMessage()
        assert.deepEqual(last, [250, `2.0.0 Ok ${mail.name}`])
        expectSameBytes(mail.content, bytes)
        expectProtocol(mail, way, false)
      })
    }
  })
}

test('smtplib adds a missing CRLF to the last line', { skip }, async t => {
  const stage = await ClientFixture.start(t)
  await send(stage, 'plain', [unfinishedBody.bytes])
  expectSameBytes(
    (await stage.takeMessage()).content,
    Buffer.concat([unfinishedBody.bytes, Buffer.from('\r\n')]),
  )
})

test('smtplib sends LF unchanged, and CRLF arrives', { skip }, async t => {
  const stage = await ClientFixture.start(t)
  await send(stage, 'plain', [Buffer.from('Subject: x\n\n.one\n\ntwo\n')])
  // smtplib stuffs a dot after any LF, but SMTP removes it only after CRLF: two dots arrive. smtplib then adds a CRLF,
  // because it does not count LF as a line ending.
  const expected = Buffer.from('Subject: x\r\n\r\n..one\r\n\r\ntwo\r\n\r\n')
  expectSameBytes((await stage.takeMessage()).content, expected)
})

test('smtplib sends three messages over one connection', { skip }, async t => {
  const stage = await ClientFixture.start(t)
  const spoken = await send(stage, 'STARTTLS', [Buffer.from('1'), Buffer.from('2'), Buffer.from('3')])
  assert.deepEqual(
    spoken.map(([code]) => code),
    Array(9).fill(250),
  )
})

test('smtplib logs in', { skip }, async t => {
  const stage = await ClientFixture.startWithLogin(t, '--allow-plaintext-auth')
  for (const [way, mechanism] of loginCombinations) {
    await t.test(`with ${mechanism} over ${way}`, async () => {
      const spoken = await send(stage, way, [Buffer.from('x')], { ...credentials, mechanism })
      assert.deepEqual(spoken[0], [235, '2.7.0 Authentication successful'])
      expectProtocol(await stage.takeMessage(), way, true)
    })
  }
})

test('smtplib selects a mechanism', { skip }, async t => {
  const stage = await ClientFixture.startWithLogin(t)
  for (const way of connectionTypes) {
    const spoken = await send(stage, way, [Buffer.from('x')], credentials)
    assert.equal(spoken[0]![0], 235)
    expectProtocol(await stage.takeMessage(), way, true)
  }
})

test('smtplib gets 535 for a wrong password and for an unknown user', { skip }, async t => {
  const stage = await ClientFixture.startWithLogin(t)
  for (const wrong of [{ password: 'wrong' }, { user: 'nobody' }]) {
    for (const mechanism of mechanisms) {
      const spoken = await send(stage, 'STARTTLS', [], { ...credentials, ...wrong, mechanism })
      assert.deepEqual(spoken, [[535, '5.7.8 Authentication credentials invalid']])
    }
  }
})

test('smtplib that tries every mechanism with one wrong password hears 535 each time, and raises it', {
  skip,
}, async t => {
  const stage = await ClientFixture.startWithLogin(t)
  const script = [
    'import smtplib, sys',
    'client = smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=30)',
    'client.set_debuglevel(1)',
    'client.starttls()',
    'try: client.login(sys.argv[2], "wrong")',
    'except smtplib.SMTPAuthenticationError as error: print(error.smtp_code, error.smtp_error.decode())',
    'print(client.noop()[0])',
  ].join('\n')
  const { stdout, stderr } = await runTool('python3', ['-c', script, `${stage.port('STARTTLS')}`, user.name])
  assert.equal(stdout, '535 5.7.8 Authentication credentials invalid\n250\n', stderr)
  const refusals = stderr.match(/^reply: retcode \(\d+\).*credentials/gm) ?? []
  assert.deepEqual(
    refusals.map(line => /\d+/.exec(line)![0]),
    mechanisms.map(() => '535'),
  )
})

test('smtplib gets 530 for MAIL without AUTH', { skip }, async t => {
  const stage = await ClientFixture.startWithLogin(t)
  const spoken = await send(stage, 'plain', [Buffer.from('x')])
  assert.deepEqual(spoken.at(-1), [530, '5.7.0 Authentication required'])
  await stage.expectNoMessage()
})

test('with -s, smtplib gets 530 without TLS, and is served with TLS', { skip }, async t => {
  const stage = await ClientFixture.start(t, '-s')
  const spoken = await send(stage, 'plain', [Buffer.from('x')])
  assert.deepEqual(spoken.at(-1), [530, '5.7.0 Must issue a STARTTLS command first'])
  await stage.expectNoMessage()
  for (const way of ['STARTTLS', 'implicit TLS'] as const) {
    await send(stage, way, [Buffer.from('x')])
    expectProtocol(await stage.takeMessage(), way, false)
  }
})

const credentials = { user: user.name, password: user.password }

async function send(
  stage: ClientFixture,
  way: ConnectionType,
  contents: readonly Buffer[],
  login: { user?: string; password?: string; mechanism?: string } = {},
): Promise<[code: number, text: string][]> {
  const files: string[] = []
  for (const content of contents) files.push(await stage.file(content))
  const order = { way, port: stage.port(way), certificate: certificatePath, files, ...login }
  const { code, stdout, stderr } = await runTool('python3', [script, JSON.stringify(order)])
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createTransport, type SentMessageInfo } from 'nodemailer'
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

for (const way of connectionTypes) {
  test(`nodemailer over ${way}: the mail arrives byte for byte`, async t => {
    const stage = await ClientFixture.start(t)
    for (const { name, bytes } of [...wholeBodies, hugeBody()]) {
      await t.test(name, async () => {
        const { response } = await send(stage, way, bytes)
        const mail = await stage.takeMessage()
        assert.equal(response, `250 2.0.0 Ok ${mail.name}`)
        expectSameBytes(mail.content, bytes)
        expectProtocol(mail, way, false)
      })
    }
  })
}

test('nodemailer adds a missing CRLF to the last line', async t => {
  const stage = await ClientFixture.start(t)
  await send(stage, 'plain', unfinishedBody.bytes)
  expectSameBytes(
    (await stage.takeMessage()).content,
    Buffer.concat([unfinishedBody.bytes, Buffer.from('\r\n')]),
  )
})

test('nodemailer sends LF as CRLF', async t => {
  const stage = await ClientFixture.start(t)
  await send(stage, 'plain', Buffer.from('Subject: x\n\n.one\n\ntwo\n'))
  expectSameBytes((await stage.takeMessage()).content, Buffer.from('Subject: x\r\n\r\n.one\r\n\r\ntwo\r\n'))
})

test('a pool of nodemailer sends a hundred messages over five connections', async t => {
  const stage = await ClientFixture.start(t)
  const pool = createTransport({ ...address(stage, 'STARTTLS'), pool: true, maxConnections: 5 })
  t.after(() => pool.close())
  const numbers = Array.from({ length: 100 }, (_, number) => number)
  const sent = await Promise.all(
    numbers.map(number => pool.sendMail({ envelope, raw: `Subject: ${number}\r\n` })),
  )
  assert.equal(new Set(sent.map(({ response }) => response)).size, 100)
  assert.deepEqual((await stage.subjects()).sort(), numbers.map(String).sort())
})

test('nodemailer logs in', async t => {
  const stage = await ClientFixture.startWithLogin(t, '--allow-plaintext-auth')
  for (const [way, mechanism] of loginCombinations) {
    await t.test(`with ${mechanism} over ${way}`, async () => {
      await send(stage, way, Buffer.from('Subject: x\r\n'), login(mechanism))
      expectProtocol(await stage.takeMessage(), way, true)
    })
  }
})

test('nodemailer gets 535 for a wrong password and for an unknown user', async t => {
  const stage = await ClientFixture.startWithLogin(t)
  for (const wrong of [{ pass: 'wrong' }, { user: 'nobody' }]) {
    for (const mechanism of mechanisms) {
      const { auth, authMethod } = login(mechanism)
      const attempt = send(stage, 'STARTTLS', Buffer.from('x'), { auth: { ...auth, ...wrong }, authMethod })
      await assert.rejects(attempt, {
        code: 'EAUTH',
        response: '535 5.7.8 Authentication credentials invalid',
      })
    }
  }
  await stage.expectNoMessage()
})

test('nodemailer gets 530 for MAIL without AUTH', async t => {
  const stage = await ClientFixture.startWithLogin(t)
  await assert.rejects(send(stage, 'plain', Buffer.from('x')), {
    command: 'MAIL FROM',
    response: '530 5.7.0 Authentication required',
  })
  await stage.expectNoMessage()
})

test('with -s, nodemailer gets 530 without TLS, and is served with TLS', async t => {
  const stage = await ClientFixture.start(t, '-s')
  await assert.rejects(send(stage, 'plain', Buffer.from('x')), {
    command: 'MAIL FROM',
    response: '530 5.7.0 Must issue a STARTTLS command first',
  })
  await stage.expectNoMessage()
  for (const way of ['STARTTLS', 'implicit TLS'] as const) {
    await send(stage, way, Buffer.from('x'))
    expectProtocol(await stage.takeMessage(), way, false)
  }
})

const envelope = { from: 'a@example.org', to: 'b@example.org' }

function login(authMethod: string) {
  return { auth: { user: user.name, pass: user.password }, authMethod }
}

function address(stage: ClientFixture, way: ConnectionType) {
  return {
    host: '127.0.0.1',
    port: stage.port(way),
    name: 'client.test',
    secure: way === 'implicit TLS',
    requireTLS: way === 'STARTTLS',
    ignoreTLS: way === 'plain',
    tls: { ca: readFileSync(certificatePath) },
  }
}

async function send(
  stage: ClientFixture,
  way: ConnectionType,
  raw: Buffer,
  options: Partial<ReturnType<typeof login>> = {},
): Promise<SentMessageInfo> {
  const transport = createTransport({ ...address(stage, way), ...options })
  try {
    return await transport.sendMail({ envelope, raw })
  } finally {
    transport.close()
  }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missingTool, runTool, type ToolResult } from '../support/external-tool.ts'
import { certificatePath } from '../support/relay-process.ts'
import { ClientFixture, expectProtocol, expectSameBytes, user } from './client-fixture.ts'

// The shell script of the Go program writes a whole session at once, without waiting for a reply, and closes its side.
const noNc = missingTool('nc', '-h')
const noOpenssl = missingTool('openssl', 'version')

const content = 'From: a@example.org\r\nSubject: x\r\n\r\nÄ dot:\r\n.\r\nand the end\r\n'
const bytes = Buffer.from(content, 'latin1')

const variants = { 'with QUIT': 'QUIT\r\n', 'without QUIT': '' }
for (const [how, quit] of Object.entries(variants)) {
  test(`a session in one write through nc, ${how}, gets all replies`, { skip: noNc }, async t => {
    const stage = await ClientFixture.start(t)
    const outcome = await runTool('nc', ['-N', '127.0.0.1', String(stage.relay.port)], session(quit))
    expectReplies(outcome, [220, 250, 250, 250, 354, 250, ...(quit === '' ? [] : [221])])
    expectSameBytes((await stage.takeMessage()).content, bytes)
  })
}

test('a script that keeps its side open is disconnected after QUIT', { skip: noNc }, async t => {
  const stage = await ClientFixture.start(t)
  const outcome = await runTool('nc', ['127.0.0.1', String(stage.relay.port)], session('QUIT\r\n'))
  expectReplies(outcome, [220, 250, 250, 250, 354, 250, 221])
  expectSameBytes((await stage.takeMessage()).content, bytes)
})

test('a script that does not wait for replies logs in with LOGIN', { skip: noNc }, async t => {
  const stage = await ClientFixture.startWithLogin(t, '--allow-plaintext-auth')
  const outcome = await runTool(
    'nc',
    ['-N', '127.0.0.1', String(stage.relay.port)],
    session('QUIT\r\n', login()),
  )
  expectReplies(outcome, [220, 250, 334, 334, 235, 250, 250, 354, 250, 221])
  expectProtocol(await stage.takeMessage(), 'plain', true)
})

test('a script that does not wait for replies gets 535 for a wrong password, and sends no message', {
  skip: noNc,
}, async t => {
  const stage = await ClientFixture.startWithLogin(t, '--allow-plaintext-auth')
  const input = session('QUIT\r\n', login('wrong'))
  const { stdout } = await runTool('nc', ['-N', '127.0.0.1', String(stage.relay.port)], input)
  assert.match(stdout, /\r\n535 5\.7\.8 .*\r\n530 5\.7\.0 .*\r\n530 5\.7\.0 .*\r\n530 5\.7\.0 /)
  await stage.expectNoMessage()
})

for (const way of ['STARTTLS', 'implicit TLS'] as const) {
  for (const [who, logsIn] of [['without AUTH', false] as const, ['with AUTH', true] as const]) {
    test(`a script that does not wait for replies, ${who} through openssl, ${way}`, {
      skip: noOpenssl,
    }, async t => {
      const stage = logsIn ? await ClientFixture.startWithLogin(t) : await ClientFixture.start(t)
      const to = ['-connect', `127.0.0.1:${stage.port(way)}`]
      const trust = ['-CAfile', certificatePath, '-verify_return_error']
      const starttls = way === 'STARTTLS' ? ['-starttls', 'smtp'] : []
      const input = session('QUIT\r\n', logsIn ? login() : 'EHLO client.test\r\n')
      const outcome = await runTool('openssl', ['s_client', '-quiet', ...to, ...trust, ...starttls], input)
      // openssl handles the dialogue before STARTTLS itself, and does not show it.
      const before = way === 'STARTTLS' ? [] : [220]
      const replies = [250, ...(logsIn ? [334, 334, 235] : []), 250, 250, 354, 250, 221]
      expectReplies(outcome, [...before, ...replies])
      const mail = await stage.takeMessage()
      expectSameBytes(mail.content, bytes)
      expectProtocol(mail, way, logsIn)
    })
  }
}

test('hundreds of messages in one write through nc all arrive', { skip: noNc }, async t => {
  const stage = await ClientFixture.start(t)
  const mails = Array.from({ length: 500 }, (_, n) => mail(`Subject: ${n}\r\n`)).join('')
  const input = `EHLO client.test\r\n${mails}QUIT\r\n`
  const { stdout } = await runTool('nc', ['-N', '127.0.0.1', String(stage.relay.port)], input)
  assert.equal(stdout.match(/^250 2\.0\.0 Ok \S+\r$/gm)?.length, 500)
  assert.equal(new Set(await stage.subjects()).size, 500)
})

function login(password = user.password): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  return `EHLO client.test\r\nAUTH LOGIN\r\n${base64(user.name)}\r\n${base64(password)}\r\n`
}

function mail(lines: string): string {
  const stuffed = lines.replace(/^\./gm, '..')
  return `MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n${stuffed}.\r\n`
}

function session(quit: string, hello = 'HELO client.test\r\n'): Buffer {
  return Buffer.from(`${hello}${mail(content)}${quit}`, 'latin1')
}

function expectReplies({ code, stdout, stderr }: ToolResult, codes: readonly number[]): void {
  const heard = [...stdout.matchAll(/^(\d{3}) /gm)].map(([, code]) => Number(code))
  assert.deepEqual(heard, codes, stdout + stderr)
  assert.equal(code, 0, stderr)
}

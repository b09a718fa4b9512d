import assert from 'node:assert/strict'
import { test } from 'node:test'
import { certificatePath } from '../program/relay-process.ts'
import { hugeBody, unfinishedBody, wholeBodies } from './bodies.ts'
import {
  expectProtocol,
  expectSameBytes,
  mechanisms,
  Stage,
  user,
  type Way,
  ways,
  waysToLogIn,
} from './stage.ts'
import { missing, type Outcome, use } from './tool.ts'

const skip = missing('curl')

for (const way of ways) {
  test(`curl over ${way}: the mail arrives byte for byte`, { skip }, async t => {
    const stage = await Stage.set(t)
    for (const { name, bytes } of [...wholeBodies, hugeBody()]) {
      await t.test(name, async () => {
        expectDone(await curl(stage, way, bytes))
        const mail = await stage.takeMail()
        expectSameBytes(mail.content, bytes)
        expectProtocol(mail, way, false)
      })
    }
  })
}

test('the command that the start-up message proposes works', { skip }, async t => {
  const stage = await Stage.set(t)
  const line = await stage.relay.stderr.find(/^Try: /)
  expectDone(await use('sh', ['-c', line.replace('Try: ', '')]))
  expectSameBytes((await stage.takeMail()).content, Buffer.from('Subject: Hello\r\n\r\nHi\r\n'))
})

test('the command works also where this machine is taken for a load balancer', { skip }, async t => {
  const stage = await Stage.set(t, '--proxy-protocol', '127.0.0.1')
  const line = await stage.relay.stderr.find(/^Try: /)
  expectDone(await use('sh', ['-c', line.replace('Try: ', '')]))
  await stage.takeMail()
})

test('curl sends a PROXY header', { skip }, async t => {
  const stage = await Stage.set(t, '--proxy-protocol', '127.0.0.1')
  for (const way of ways) {
    expectDone(await curl(stage, way, Buffer.from('x\r\n'), ['--haproxy-protocol']))
    expectProtocol(await stage.takeMail(), way, false)
  }
})

test('curl ends a last line that has no end', { skip }, async t => {
  const stage = await Stage.set(t)
  expectDone(await curl(stage, 'plain', unfinishedBody.bytes))
  expectSameBytes(
    (await stage.takeMail()).content,
    Buffer.concat([unfinishedBody.bytes, Buffer.from('\r\n')]),
  )
})

test('curl sends LF as it is, and CRLF arrives', { skip }, async t => {
  const stage = await Stage.set(t)
  expectDone(await curl(stage, 'plain', Buffer.from('Subject: x\n\n.one\n\ntwo\n')))
  // curl hides a dot only behind CRLF, so this one travels bare, and behind a bare LF it is content. curl's own line end
  // follows, because it does not take LF for one.
  expectSameBytes((await stage.takeMail()).content, Buffer.from('Subject: x\r\n\r\n.one\r\n\r\ntwo\r\n\r\n'))
})

test('curl sends an empty file, and an empty mail arrives', { skip }, async t => {
  const stage = await Stage.set(t)
  expectDone(await curl(stage, 'plain', Buffer.alloc(0)))
  expectSameBytes((await stage.takeMail()).content, Buffer.alloc(0))
})

test('curl sends two files over one connection', { skip }, async t => {
  const stage = await Stage.set(t)
  const [one, two] = [await stage.file(Buffer.from('one\r\n')), await stage.file(Buffer.from('two\r\n'))]
  const mail = (file: string) => [...address(stage, 'plain'), ...envelope, '-T', file]
  const outcome = await use('curl', ['-sSv', ...mail(one), '--next', '-sSv', ...mail(two)])
  expectDone(outcome)
  assert.equal(outcome.stderr.match(/^< 220 /gm)?.length, 1)
  assert.equal(outcome.stderr.match(/^< 250 2\.0\.0 Ok \S+/gm)?.length, 2)
})

test('curl logs in', { skip }, async t => {
  const stage = await Stage.setWithLogin(t, '--allow-plaintext-auth')
  for (const [way, mechanism] of waysToLogIn) {
    await t.test(`with ${mechanism} over ${way}`, async () => {
      const login = ['--user', `${user.name}:${user.password}`, '--login-options', `AUTH=${mechanism}`]
      expectDone(await curl(stage, way, Buffer.from('Subject: x\r\n'), login))
      expectProtocol(await stage.takeMail(), way, true)
    })
  }
})

test('curl finds a mechanism by itself', { skip }, async t => {
  const stage = await Stage.setWithLogin(t)
  for (const way of ways) {
    expectDone(await curl(stage, way, Buffer.from('x\r\n'), ['--user', `${user.name}:${user.password}`]))
    expectProtocol(await stage.takeMail(), way, true)
  }
})

test('curl hears 535 for a wrong password and for an unknown user', { skip }, async t => {
  const stage = await Stage.setWithLogin(t)
  for (const credentials of [`${user.name}:wrong`, `nobody:${user.password}`]) {
    for (const mechanism of mechanisms) {
      const login = ['--user', credentials, '--login-options', `AUTH=${mechanism}`]
      const { code, stderr } = await curl(stage, 'implicit TLS', Buffer.from('x\r\n'), login)
      assert.equal(code, 67, stderr)
      assert.match(stderr, /^< 535 5\.7\.8 Authentication credentials invalid\r$/m)
    }
  }
  await stage.expectNoMail()
})

test('curl hears 530 for MAIL without a login', { skip }, async t => {
  const stage = await Stage.setWithLogin(t)
  const { code, stderr } = await curl(stage, 'plain', Buffer.from('x\r\n'))
  assert.equal(code, 55, stderr)
  assert.match(stderr, /^< 530 5\.7\.0 Authentication required\r$/m)
  await stage.expectNoMail()
})

test('with -s curl hears 530 in the clear, and is served over TLS', { skip }, async t => {
  const stage = await Stage.set(t, '-s')
  const { code, stderr } = await curl(stage, 'plain', Buffer.from('x\r\n'))
  assert.equal(code, 55, stderr)
  assert.match(stderr, /^< 530 5\.7\.0 Must issue a STARTTLS command first\r$/m)
  await stage.expectNoMail()
  for (const way of ['STARTTLS', 'implicit TLS'] as const) {
    expectDone(await curl(stage, way, Buffer.from('x\r\n')))
    expectProtocol(await stage.takeMail(), way, false)
  }
})

const envelope = ['--mail-from', 'a@example.org', '--mail-rcpt', 'b@example.org']

function address(stage: Stage, way: Way): string[] {
  const scheme = way === 'implicit TLS' ? 'smtps' : 'smtp'
  const tls = way === 'plain' ? [] : ['--ssl-reqd', '--cacert', certificatePath]
  return [`${scheme}://127.0.0.1:${stage.port(way)}`, ...tls]
}

async function curl(
  stage: Stage,
  way: Way,
  bytes: Buffer,
  options: readonly string[] = [],
): Promise<Outcome> {
  const file = await stage.file(bytes)
  return use('curl', ['-sSv', ...address(stage, way), ...envelope, ...options, '-T', file])
}

function expectDone({ code, stderr }: Outcome): void {
  assert.equal(code, 0, stderr.slice(-2000))
}

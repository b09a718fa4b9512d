import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createTransport, type SentMessageInfo } from 'nodemailer'
import { within } from '../support/deadline.ts'
import { Lines } from '../support/lines.ts'
import { type Installation, install, repository } from './installation.ts'

const examples = readdirSync(join(repository, 'examples'))

/** Installs the package in an empty folder, with copies of the examples beside it. */
async function copied(t: TestContext): Promise<Installation> {
  const installation = await install(t)
  for (const name of examples) {
    await installation.write(name, readFileSync(join(repository, 'examples', name), 'utf8'))
  }
  return installation
}

/** Starts an example, and resolves when it listens. */
async function serve(t: TestContext, name: string, args: readonly string[]) {
  const { path } = await copied(t)
  const child = spawn(process.execPath, [name, ...args], { cwd: path })
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const stdout = new Lines(child.stdout)
  const stderr = new Lines(child.stderr)
  const line = await stdout.find(/^Listening on port (\d+)$/)
  return { child, stdout, stderr, port: Number(line.split(' ').at(-1)) }
}

async function send(port: number, to: string, raw: string): Promise<string> {
  const client = createTransport({ host: '127.0.0.1', port })
  const info: SentMessageInfo = await client.sendMail({ envelope: { from: 'a@client.test', to: [to] }, raw })
  return String(info.response)
}

test('the examples and all types of the package pass the type check, for Node.js and for bundlers', async t => {
  const installation = await copied(t)
  const common = { allowJs: true, checkJs: true, noEmit: true, target: 'es2022', skipLibCheck: false }
  for (const resolution of [
    { module: 'nodenext', moduleResolution: 'nodenext' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ]) {
    assert.equal(await installation.typeCheck(examples, { ...common, ...resolution }), '')
  }
  await installation.write(
    'wrong.mjs',
    "// @ts-check\nimport { createServer } from 'aws-smtp-relay'\ncreateServer({ relay: 1 })\n",
  )
  const wrong = await installation.typeCheck(['wrong.mjs'], { ...common, module: 'nodenext' })
  assert.match(wrong, /error TS2322: Type 'number' is not assignable/)
})

test('receiver prints a message without control characters', async t => {
  const { port, stdout } = await serve(t, 'receiver.mjs', ['0'])
  assert.match(await send(port, 'b@server.test', 'Subject: Hello\r\n\r\nHi\x1b[2J\r\n'), /^250 2\.0\.0 /)
  await stdout.find(/^a@client\.test to b@server\.test:$/)
  await stdout.find(/^Subject: Hello$/)
  await stdout.find(/^Hi\[2J$/)
})

test('engine-by-hand prints a whole dialogue', async t => {
  const { code, stdout, stderr } = await (await copied(t)).node(['engine-by-hand.mjs'])
  assert.deepEqual([code, stderr], [0, ''])
  const lines = stdout.trimEnd().split('\n')
  for (const line of [
    'S: 220 server.test Engine ESMTP Service ready',
    '?  may a@client.test write to nobody@server.test',
    'S: 550 5.1.1 No such user',
    'S: 250 2.1.5 Ok',
    'M: ".a line that begins with a dot, which the client has doubled\\r\\n"',
    '?  a message of 80 bytes',
    'S: 250 2.0.0 Accepted',
    '>  close',
  ]) {
    assert.ok(lines.includes(line), `${line} is not in\n${stdout}`)
  }
  assert.equal(lines.at(-1), 'S: 221 2.0.0 server.test Engine closing connection')
})

test('own-relay posts messages, and its errors become replies', async t => {
  const posts: { url: string | undefined; body: string }[] = []
  const answers = [[200, 'taken-1'] as const, [422, 'no such box'] as const, [503, 'down'] as const]
  const service = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('latin1')) body += chunk
    posts.push({ url: request.url, body })
    const [status, text] = answers[posts.length - 1]!
    response.writeHead(status, { connection: 'close' }).end(text)
  }).listen(0, '127.0.0.1')
  t.after(() => service.close())
  await once(service, 'listening')
  const endpoint = `http://127.0.0.1:${(service.address() as AddressInfo).port}/messages`

  const { child, port, stdout } = await serve(t, 'own-relay.mjs', [endpoint, '0'])
  const to = 'b@server.test'
  assert.equal(await send(port, to, 'Subject: One\r\n'), '250 2.0.0 Ok taken-1')
  await assert.rejects(send(port, to, 'Subject: Two\r\n'), /554 5\.6\.0 no such box/)
  await assert.rejects(send(port, to, 'Subject: Three\r\n'), /451 4\.3\.0 Temporary service failure/)
  await assert.rejects(
    send(port, 'b@elsewhere.test', 'Subject: Four\r\n'),
    /550 5\.7\.1 Mail for server\.test only/,
  )
  assert.equal(posts.length, 3)
  assert.equal(posts[0]!.url, '/messages?from=a%40client.test&to=b%40server.test')
  assert.match(
    posts[0]!.body,
    /^Received: from [\s\S]*by server\.test \(Example\)[\s\S]*\r\nSubject: One\r\n$/,
  )
  await stdout.find(/^\{"to":\["b@server\.test"\]\}$/)
  await stdout.find(/"error":"Refused: no such box"/)
  await stdout.find(/"error":"Error: the web service answered 503"/)

  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  assert.deepEqual(await within(exited, 'the example to end'), [0, null])
})

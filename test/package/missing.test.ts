import assert from 'node:assert/strict'
import { test } from 'node:test'
import { install } from './installation.ts'

const program = 'node_modules/aws-smtp-relay/dist/cli.js'

/** A backend, and the package that it needs. */
const clients = {
  ses: '@aws-sdk/client-ses',
  sesv2: '@aws-sdk/client-sesv2',
  pinpoint: '@aws-sdk/client-pinpoint',
}

for (const [relay, client] of Object.entries(clients)) {
  test(`without ${client} only ${relay} is unavailable, and choosing it is an error that says so`, async t => {
    const { node, write } = await install(t, [client])
    const sentence = `The relay ${relay} needs the package ${client}, which is not installed`
    await write(
      'program.mjs',
      `import { createServer } from 'aws-smtp-relay'
for (const relay of ${JSON.stringify(Object.keys(clients))}) {
  const id = relay === 'pinpoint' ? { pinpointApplicationId: 'id' } : {}
  await createServer({ relay, ...id }).then(() => console.log(relay), error => console.log(error.message))
}`,
    )
    const environment = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' }
    const { code, stdout, stderr } = await node(['program.mjs'], environment)
    assert.deepEqual([code, stderr], [0, ''])
    const expected = Object.keys(clients).map(name => (name === relay ? sentence : name))
    assert.deepEqual(stdout.trimEnd().split('\n'), expected)
  })
}

test('the program says which AWS client is missing, and does not start', async t => {
  const { node } = await install(t, [clients.ses])
  const { code, stdout, stderr } = await node([program, '-a', '127.0.0.1:0'])
  const sentence = `The relay ses needs the package ${clients.ses}, which is not installed\n`
  assert.deepEqual([code, stdout, stderr], [1, '', sentence])
})

test('without prom-client only --admin is unavailable', async t => {
  const { node } = await install(t, ['prom-client'])
  for (const workers of ['1', '2']) {
    const args = ['-r', 'discard', '-a', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--workers', workers]
    const { code, stderr } = await node([program, ...args])
    assert.deepEqual([code, stderr], [1, '--admin needs the package prom-client, which is not installed\n'])
  }
})

test('without re2js only expressions are unavailable', async t => {
  const { node } = await install(t, ['re2js'])
  const args = [program, '-r', 'discard', '--check', '-a', '127.0.0.1:0']
  assert.equal((await node(args)).code, 0)
  const { code, stderr } = await node([...args, '-l', 'example'])
  const sentence = 'Allowed sender emails: an expression needs the package re2js, which is not installed\n'
  assert.deepEqual([code, stderr], [1, sentence])
})

test('without bcrypt only logins that need it fail: they get 454, and the log says why', async t => {
  const { node, write } = await install(t, ['@node-rs/bcrypt'])
  await write(
    'program.mjs',
    `import { connect } from 'node:net'
import { createServer } from 'aws-smtp-relay'
for (const secret of [{ password: 'p' }, { bcryptHash: '$2b$04$' + '.'.repeat(53) }]) {
  const server = await createServer({
    relay: 'discard',
    access: { user: { name: 'u', ...secret } },
    allowPlaintextAuth: true,
    onEvent: ({ type, client, error }) => client && console.log(type, error?.message),
  })
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect(port, '127.0.0.1')
  socket.end('EHLO a\\r\\nAUTH PLAIN ' + Buffer.from('\\0u\\0p').toString('base64') + '\\r\\nQUIT\\r\\n')
  let said = ''
  for await (const data of socket) said += data
  console.log(said.match(/^(235|454) .*$/m)[0].trim())
  await server.close()
}`,
  )
  const { stdout, stderr } = await node(['program.mjs'])
  assert.equal(stderr, '')
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    'loggedIn undefined',
    '235 2.7.0 Authentication successful',
    'verifyFailed A bcrypt hash needs the package @node-rs/bcrypt, which is not installed',
    '454 4.7.0 Temporary authentication failure, try again later',
  ])
})

test('without minimist the program does not start; embedding and smtp-transcript work', async t => {
  const { node } = await install(t, ['minimist'])
  const { code, stderr } = await node([program, '--version'])
  assert.equal(code, 1)
  assert.match(stderr, /Cannot find module 'minimist'/)
  const script = "await (await import('aws-smtp-relay')).createServer({ relay: 'discard' })"
  assert.equal((await node(['--input-type=module', '-e', script])).stderr, '')
  const help = await node(['node_modules/aws-smtp-relay/dist/transcript/cli.js', '--help'])
  assert.deepEqual([help.code, help.stderr], [0, ''])
})

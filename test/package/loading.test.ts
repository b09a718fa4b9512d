import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Installation, install, repository } from './installation.ts'

/** Everything that npm would install with the package. */
const dependencies = Object.keys(
  JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')).dependencies,
)

/** Records each import, static or dynamic, as it is resolved: a module of Node.js, or a file. */
const spy = `import { register } from 'node:module'
const hooks = \`
import { appendFileSync } from 'node:fs'
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context)
  if (context.parentURL !== undefined) appendFileSync(\${JSON.stringify(process.env.LOADED)}, found.url + '\\\\n')
  return found
}\`
register('data:text/javascript,' + encodeURIComponent(hooks))
`

/** Returns what a program loads besides itself: files below dist, modules of Node.js, packages. */
async function loadedBy(installation: Installation, program: string) {
  const { node, path, write } = installation
  const loaded = await write('loaded', '')
  await write('spy.mjs', spy)
  const file = await write('program.mjs', program)
  const env = { LOADED: loaded, NODE_NO_WARNINGS: '1', AWS_REGION: 'eu-west-1' }
  const { code, stderr } = await node(['--import', './spy.mjs', file], env)
  assert.deepEqual([code, stderr], [0, ''])
  const home = join(path, 'node_modules', 'aws-smtp-relay', 'dist')
  const urls = [...new Set(readFileSync(loaded, 'utf8').trim().split('\n'))]
  const names = urls
    .filter(url => !url.endsWith('/program.mjs'))
    .map(url => decodeURI(url).replace('file://', ''))
  return {
    own: names.filter(name => name.startsWith(home)).map(name => name.slice(home.length + 1)),
    node: names.filter(name => name.startsWith('node:')).sort(),
    others: names.filter(name => !name.startsWith(home) && !name.startsWith('node:')),
  }
}

/** Code that sends a message over a socket to a running server. */
const sendMail = `
const { connect } = await import('node:net')
const dialogue = ['EHLO client.test', 'MAIL FROM:<a@client.test>', 'RCPT TO:<b@server.test>', 'DATA', 'Subject: x\\r\\n.', 'QUIT']
await new Promise((resolve, reject) => {
  const socket = connect(port, '127.0.0.1', () => socket.write(dialogue.map(line => line + '\\r\\n').join('')))
  let said = ''
  socket.on('data', data => (said += data))
  socket.on('close', () => (said.includes('250 2.0.0') ? resolve() : reject(new Error(said))))
})
`

test('the engine loads nothing but itself, not even a module of Node.js', async t => {
  const { own, node, others } = await loadedBy(
    await install(t),
    `import { defaultLimits, Session } from 'aws-smtp-relay/protocol'
const session = new Session(
  { hostname: 'a.test', service: 'A', tls: 'none', authRequired: false, mechanisms: [], limits: defaultLimits },
  { address: '192.0.2.1', secure: false },
)
session.next()
session.answer()
if (!session.takeOutput().startsWith('220 ')) throw new Error('no greeting')`,
  )
  assert.deepEqual([node, others], [[], []])
  assert.ok(own.includes('protocol/session.js'))
  assert.deepEqual(
    own.filter(file => !file.startsWith('protocol/')),
    [],
  )
})

test('importing an entry point loads no third-party package', async t => {
  const { exports } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'))
  const entryPoints = Object.keys(exports).filter(entryPoint => entryPoint !== './package.json')
  const program = entryPoints
    .map(entryPoint => `import '${entryPoint.replace('.', 'aws-smtp-relay')}'\n`)
    .join('')
  const { own, others } = await loadedBy(await install(t), program)
  assert.deepEqual(others, [])
  for (const entryPoint of entryPoints)
    assert.ok(own.includes(exports[entryPoint].default.replace('./dist/', '')), entryPoint)
})

test('protocol and transport receive a message without third-party packages', async t => {
  const { own, node, others } = await loadedBy(
    await install(t, dependencies),
    `import { defaultLimits } from 'aws-smtp-relay/protocol'
import { defaultTimeouts, Server } from 'aws-smtp-relay/transport'
const settings = { hostname: 'a.test', service: 'A', tls: 'none', authRequired: false, mechanisms: [], limits: defaultLimits }
const message = () => ({ write() {}, deliver() {}, discard() {} })
const server = new Server({ settings, host: { message }, timeouts: defaultTimeouts })
const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
${sendMail}
await server.close(0)`,
  )
  t.diagnostic(`protocol and transport load ${own.length} files of their own, and ${node.join(', ')}`)
  assert.deepEqual(others, [])
  assert.deepEqual(
    own.filter(file => !/^(protocol|support|transport)\//.test(file)),
    [],
  )
  assert.deepEqual(node, ['node:crypto', 'node:fs', 'node:net', 'node:tls'])
})

test('a server with a relay of your own receives a message without third-party packages', async t => {
  const { own, others } = await loadedBy(
    await install(t, dependencies),
    `import { createServer } from 'aws-smtp-relay'
const send = async () => ({})
const server = await createServer({ relay: { name: 'mine', maxMessageBytes: 1e6, send } })
const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
${sendMail}
await server.close()`,
  )
  assert.deepEqual(others, [])
  assert.deepEqual(
    own.filter(file => /^(cli|workers|operations|transcript)\b/.test(file)),
    [],
  )
})

test('only the AWS client of the chosen backend is loaded', async t => {
  const { others } = await loadedBy(
    await install(t),
    "import { createServer } from 'aws-smtp-relay'\nawait createServer({ relay: 'sesv2' })",
  )
  const clients = new Set(others.flatMap(url => /@aws-sdk\/client-\w+/.exec(url) ?? []))
  assert.deepEqual([...clients], ['@aws-sdk/client-sesv2'])
})

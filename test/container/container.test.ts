import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { testTimeoutMs, within } from '../support/deadline.ts'
import { freePort } from '../support/free-port.ts'
import { Lines } from '../support/lines.ts'
import { expectCode, SmtpClient } from '../support/smtp-client.ts'
import { execForm, isInContext, readDockerfile } from './dockerfile.ts'
import { build, bytesIn, everythingIn, type Image, NoPackages, setWritable } from './image.ts'

// These tests run all instructions of the Dockerfile without Docker and without a registry for the base image.

const source = fileURLToPath(new URL('../..', import.meta.url))
const read = (name: string) => readFileSync(join(source, name), 'utf8')
const { stages, variables } = readDockerfile(read('Dockerfile'))
const [last] = stages.slice(-1)
const said = (name: string) => last!.instructions.filter(instruction => instruction.name === name)

let work: string
let image: Image
let unreachable: string | undefined

before(() => {
  work = mkdtempSync(join(tmpdir(), 'relay-container-'))
  // The user of the image must be able to read it.
  chmodSync(work, 0o755)
  try {
    image = build(stages, source, work)
    setWritable(image.root, false)
  } catch (error) {
    if (!(error instanceof NoPackages)) throw error
    unreachable = `npm cannot install: ${error.message}`
  }
})

after(() => {
  if (image !== undefined) setWritable(image.root, true)
  rmSync(work, { recursive: true, force: true })
})

test('the base image has one supported version of Node.js in all stages', () => {
  assert.deepEqual(new Set(stages.map(({ base }) => base)), new Set([variables.get('NODE_IMAGE')]))
  const [, major = ''] = /^node:(\d+)\.\d+\.\d+-\w+-slim$/.exec(stages[0]!.base) ?? []
  // Even versions have long-term support.
  assert.ok(Number(major) >= 20 && Number(major) % 2 === 0, stages[0]!.base)
  assert.match(read('.ci/run'), new RegExp(`for release in [\\d ]*\\b${major}\\b`))
})

test('only platform-independent files are made on the build platform', () => {
  for (const { onBuilder, instructions } of stages) {
    const installs = instructions.some(({ rest }) => /npm ci .*--omit=dev/.test(rest))
    const copies = instructions.some(({ rest }) => rest.includes('node_modules'))
    assert.equal(onBuilder, !installs && !copies)
  }
})

test('the command, the health check and the user need no shell and no root', () => {
  assert.deepEqual(execForm(said('ENTRYPOINT')[0]!.rest), ['node', '/app/dist/cli.js'])
  assert.deepEqual(healthWords(), ['node', '/app/dist/cli.js', '--healthcheck'])
  assert.match(said('USER')[0]!.rest, /^[1-9]\d*:[1-9]\d*$/)
  assert.equal(said('STOPSIGNAL')[0]!.rest, 'SIGTERM')
  assert.equal(said('EXPOSE')[0]!.rest, '1025')
  assert.deepEqual(said('RUN'), [])
  const { version } = JSON.parse(read('package.json'))
  assert.match(said('LABEL')[0]!.rest, new RegExp(`image\\.version="${version}"`))
})

test('the build context contains exactly the files that the Dockerfile copies', () => {
  const copied = stages
    .flatMap(({ instructions }) => instructions)
    .filter(({ name, rest }) => name === 'COPY' && !rest.startsWith('--from='))
    .flatMap(({ rest }) => rest.split(' ').slice(0, -1))
  const here = readdirSync(source).filter(name => isInContext(name, read('.dockerignore')))
  assert.deepEqual(here.sort(), [...new Set(copied)].sort())
})

test('the image contains the program, its packages and its license, and is small', t => {
  if (unreachable !== undefined) return t.skip(unreachable)
  const app = join(image.root, 'app')
  assert.deepEqual(readdirSync(app).sort(), ['LICENSE', 'dist', 'node_modules', 'package.json'])
  const { dependencies, devDependencies } = JSON.parse(read('package.json'))
  const packages = readdirSync(join(app, 'node_modules'))
  for (const name of Object.keys(dependencies)) assert.ok(packages.includes(name.split('/')[0]!), name)
  for (const name of Object.keys(devDependencies)) assert.ok(!packages.includes(name), name)
  const files = everythingIn(app)
  assert.deepEqual(
    files.filter(file => /\.(ts|map)$|\.env$|\.pem$/.test(file)),
    [],
  )
  const bytes = bytesIn(app)
  t.diagnostic(`${files.length} files and folders, ${bytes} bytes`)
  assert.ok(bytes < 20_000_000, `${bytes} bytes`)
})

test('it starts as its user with read-only files, accepts a message, is healthy, and exits with 0', async t => {
  if (unreachable !== undefined) return t.skip(unreachable)
  const port = await freePort()
  // By environment variables, which the health check also gets.
  const settings = { SMTP_RELAY_LISTEN: `127.0.0.1:${port}`, SMTP_RELAY_RELAY: 'discard' }
  const words = execForm(image.entrypoint)
  assert.equal(runInside(healthWords(), settings).status, 1)

  const server = startInside(words, settings)
  t.after(() => void server.kill('SIGKILL'))
  const [stdout, stderr] = [new Lines(server.stdout!), new Lines(server.stderr!)]
  await stderr.find(/^Try: /)
  const wire = await SmtpClient.connect(port)
  await wire.greet()
  expectCode(await wire.mail('Subject: x\r\n\r\nx\r\n'), 250)
  assert.equal(JSON.parse(await stdout.find(/^\{/)).Error, null)
  const health = runInside(healthWords(), settings)
  assert.match(health.stdout, /^220 /)
  assert.equal(health.status, 0)

  server.kill(image.stopSignal as NodeJS.Signals)
  assert.match(await wire.rest(), /^421 /)
  wire.vanish()
  const [code] = await within(once(server, 'exit'), 'the program to end', () => stderr.all.join('\n'))
  assert.equal(code, 0)
  assert.equal(runInside(healthWords(), settings).status, 1)
})

test('the image has the binary of bcrypt for this platform, and can connect to AWS', t => {
  if (unreachable !== undefined) return t.skip(unreachable)
  const load = "await import('@node-rs/bcrypt'); await import('re2js'); process.stdout.write('loaded')"
  const loaded = runInside(['node', '--input-type=module', '-e', load])
  assert.equal(loaded.stdout, 'loaded', loaded.stderr)
  const aws = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'hidden' }
  for (const relay of ['ses', 'sesv2']) {
    const { status, stdout, stderr } = runInside([...execForm(image.entrypoint), '-r', relay, '--check'], aws)
    assert.equal(status, 0, stderr)
    assert.match(stdout, /eu-west-1/)
  }
})

test('arguments after the image name are arguments of the program', t => {
  if (unreachable !== undefined) return t.skip(unreachable)
  const { status, stdout } = runInside([...execForm(image.entrypoint), '--help'])
  assert.equal(status, 0)
  assert.match(stdout, /^Usage: aws-smtp-relay /)
})

test('files in .dockerignore are not in the build context, whatever follows in their paths', () => {
  const patterns = '# words\n*\n!src\n!package.json\n'
  assert.deepEqual(
    ['src', 'src/cli.ts', 'srcs', 'package.json', '.git', '.env', 'node_modules/src/x'].filter(path =>
      isInContext(path, patterns),
    ),
    ['src', 'src/cli.ts', 'package.json'],
  )
})

function healthWords(): readonly string[] {
  return execForm(/ CMD (\[.*\])$/.exec(said('HEALTHCHECK')[0]!.rest)![1]!)
}

/** Returns a command of the image as it is run on this machine. */
function inside(words: readonly string[]) {
  const paths = words.map(word => (word.startsWith('/app/') ? join(image.root, word) : word))
  const [uid = 0, gid = 0] = image.user.split(':').map(Number)
  const may = process.getuid?.() === 0 && canRunAs(uid, gid)
  return {
    file: process.execPath,
    args: paths.slice(1),
    options: { cwd: join(image.root, image.directory), ...(may && { uid, gid }) },
  }
}

/** Other users may not have access to the developer's Node.js. */
function canRunAs(uid: number, gid: number): boolean {
  return spawnSync(process.execPath, ['--version'], { cwd: '/', uid, gid }).status === 0
}

function runInside(words: readonly string[], settings: Readonly<Record<string, string>> = {}) {
  const { file, args, options } = inside(words)
  const env = { ...image.environment, ...settings }
  return spawnSync(file, args, { ...options, env, encoding: 'utf8', timeout: testTimeoutMs })
}

function startInside(words: readonly string[], settings: Readonly<Record<string, string>>): ChildProcess {
  const { file, args, options } = inside(words)
  return spawn(file, args, { ...options, env: { ...image.environment, ...settings } })
}

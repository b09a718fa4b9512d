import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { limitConnections } from '../../src/config/connection-limit.ts'
import { parse, type Settings } from '../../src/config/index.ts'
import { Lines } from '../support/lines.ts'
import { SmtpClient } from '../support/smtp-client.ts'

function settings(argv: string): Settings {
  const parsed = parse(argv.split(' ').filter(Boolean), {})
  if (parsed.type !== 'settings') assert.fail(JSON.stringify(parsed))
  return parsed.settings
}

test('the settings stay as they are if there are enough open files, or if their limit is unknown', () => {
  for (const openFiles of [undefined, 1_048_576, 65_536, 12_000]) {
    const given = settings('-r ses')
    assert.equal(limitConnections(given, openFiles), given)
  }
})

for (const [argv, openFiles, connections] of [
  // 28 + 12 for the process, 16 rejected connections, a listener, 256 + 1 calls.
  ['-r ses', 1024, 710],
  ['-r sesv2 --upstream-connections 20', 1024, 946],
  ['-r pinpoint --pinpoint-application-id a --upstream-connections 20', 1024, 946],
  ['-r maildir', 1024, 710],
  ['-r discard', 1024, 967],
  ['-r ses -a :25,:587', 1024, 709],
  ['-r ses --admin :9025', 1024, 581],
  // Half of a small limit.
  ['-r ses', 128, 64],
  ['-r ses', 61, 30],
  ['-r ses', 1, 1],
  // Each worker has the whole limit, and its share of the calls.
  ['-r ses --workers 4', 1024, 4 * (1024 - 57 - 65)],
  ['-r ses --workers 4 --admin :9025', 1024, 4 * (1024 - 57 - 65)],
] as const) {
  test(`${openFiles} open files allow ${connections} connections: ${argv}`, () => {
    const lowered = limitConnections(settings(argv), openFiles)
    assert.equal(lowered.maxConnections, connections)
    assert.equal(lowered.warnings.length, settings(argv).warnings.length + 1)
  })
}

test('a limit of connections that fits stays as it is', () => {
  const given = settings('-r ses --max-connections 710')
  assert.equal(limitConnections(given, 1024), given)
})

test('one sentence says what was lowered, to what, why, and what to do about it', () => {
  const warning = (argv: string) => limitConnections(settings(argv), 1024).warnings.at(-1)
  assert.equal(
    warning('-r ses'),
    '--max-connections is lowered from 10000 to 710, because this process can have only 1024 files open, and messages ' +
      'need some of them: raise that limit (ulimit -n, LimitNOFILE of systemd, nofile of the container runtime), or set a ' +
      'lower --max-connections',
  )
  assert.match(
    warning('-r ses --workers 2')!,
    /^--max-connections is lowered from 10000 to 1676, because each of 2 workers can have only 1024 files open,/,
  )
})

test('the other settings and warnings stay as they are', () => {
  const given = settings('-r ses --max-connections-per-ip 50 --max-recipients 5')
  const { maxConnections, warnings, ...rest } = limitConnections(given, 128)
  const { maxConnections: _, warnings: before, ...same } = given
  assert.equal(maxConnections, 64)
  assert.deepEqual(rest, same)
  assert.equal(before.length, 1)
  assert.deepEqual(warnings.slice(0, -1), before)
})

test('createServer reports the lower limit in a notice, and its server has it', {
  skip: process.platform === 'linux' ? false : 'the limit is read on Linux only',
}, async t => {
  const script = `
    const { createServer } = await import('${new URL('../../src/index.ts', import.meta.url).href}')
    const server = await createServer({ relay: 'discard', onEvent: event => event.type === 'notice' && console.log(event.text) })
    console.log('port', (await server.listen({ host: '127.0.0.1', port: 0 })).port)`
  const node = ['--import', 'tsx', '--input-type=module', '--eval', script]
  const shell = ['-c', 'ulimit -n 128 && exec "$0" "$@"', process.execPath, ...node]
  const child = spawn('/bin/sh', shell, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const lines = new Lines(child.stdout)
  const port = Number((await lines.find(/^port \d+$/)).slice('port '.length))
  assert.match(
    lines.all[0]!,
    /^--max-connections is lowered from 10000 to 71, because this process can have only 128 /,
  )
  const wires: SmtpClient[] = []
  t.after(() => {
    for (const wire of wires) wire.reset()
  })
  const greet = async () => {
    const wire = await SmtpClient.connect(port)
    wires.push(wire)
    return (await wire.reply()).code
  }
  for (let connection = 0; connection < 71; connection++) assert.equal(await greet(), 220)
  assert.equal(await greet(), 421)
})

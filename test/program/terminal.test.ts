import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RelayProcess } from '../support/relay-process.ts'
import { expectCode, SmtpClient } from '../support/smtp-client.ts'
import type { Scope } from '../support/temporary-directory.ts'
import { noTerminal, Terminal } from './terminal.ts'

const args = ['-r', 'discard', '-a', '127.0.0.1:0']
const plain =
  /^\d\d:\d\d:\d\d OK {3}a@example\.org -> b@example\.org [\d.]+ (bytes|KiB), \d+ ms, from 127\.0\.0\.1\r$/
const coloured = /^\x1b\[2m\d\d:\d\d:\d\d\x1b\[0m \x1b\[32mOK {2}\x1b\[0m a@example\.org -> b@example\.org /

/** Starts the program on a terminal; returns both and its port. */
async function start(scope: Scope, more: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const terminal = new Terminal(scope, [...args, ...more], env)
  const line = await terminal.lines.find(/listens on /)
  return { terminal, lines: terminal.lines, port: Number(/127\.0\.0\.1:(\d+)/.exec(line)![1]) }
}

async function send(port: number): Promise<void> {
  const wire = await SmtpClient.connect(port)
  await wire.greet()
  expectCode(await wire.mail('Subject: x\r\n\r\nx\r\n'), 250)
  wire.vanish()
}

for (const [who, workers] of [
  ['one process', '1'],
  ['workers', '2'],
] as const) {
  test(`on a terminal the log of ${who} is text, in colour`, { skip: noTerminal }, async t => {
    const { lines, port } = await start(t, ['--workers', workers])
    await send(port)
    await lines.find(coloured)
  })

  test(`the log of ${who} has no colours with NO_COLOR or on a simple terminal`, {
    skip: noTerminal,
  }, async t => {
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      const { lines, port } = await start(t, ['--workers', workers], env)
      await send(port)
      await lines.find(plain)
    }
  })

  test(`--log-format json writes JSON to a terminal, from ${who}`, { skip: noTerminal }, async t => {
    const { lines, port } = await start(t, ['--workers', workers, '--log-format', 'json'])
    await send(port)
    assert.equal(JSON.parse(await lines.find(/^\{/)).From, 'a@example.org')
  })

  test(`a terminal that is not read delays no message of ${who}, and a stop for --drain-timeout only`, {
    skip: noTerminal,
  }, async t => {
    const more = ['--workers', workers, '--log-format', 'json', '--drain-timeout', '2']
    const { terminal, port } = await start(t, more)
    await send(port)
    await terminal.lines.find(/^\{/)
    terminal.hang()
    for (let sent = 0; sent < 200; sent++) await send(port)
    terminal.signal('SIGTERM')
    await terminal.ended()
    terminal.resume()
    assert.equal(await terminal.exitCode(), 0)
  })

  test(`a terminal that was paused with Ctrl-S gets all lines of ${who} after Ctrl-Q`, {
    skip: noTerminal,
  }, async t => {
    const { terminal, lines, port } = await start(t, ['--workers', workers, '--log-format', 'json'])
    await send(port)
    await lines.find(/^\{/)
    terminal.type('\x13')
    for (let sent = 0; sent < 200; sent++) await send(port)
    terminal.type('\x11')
    terminal.signal('SIGTERM')
    assert.equal(await terminal.exitCode(), 0)
    assert.equal(lines.all.filter(line => line.startsWith('{')).map(line => JSON.parse(line)).length, 201)
  })

  test(`--log-format text writes text to a pipe, from ${who}`, async t => {
    const relay = await RelayProcess.start(t, {
      args: ['-r', 'discard', '--log-format', 'text', '--workers', workers],
    })
    await send(relay.port)
    await relay.stdout.find(new RegExp(plain.source.replace('\\r$', '$')))
  })
}

test('text from a client is escaped on a terminal', { skip: noTerminal }, async t => {
  const { lines, port } = await start(t, ['-l', '^nobody$'])
  const wire = await SmtpClient.connect(port)
  await wire.greet()
  wire.say(
    'MAIL FROM:<"\x1b[35m"@example.org>\r\nMAIL FROM:<red\u00ff@example.org>\r\nMAIL FROM:<x@example.org>\r\n',
  )
  const line = await lines.find(/FAIL.* x@example\.org/)
  assert.match(line, /denied sender/i)
  assert.doesNotMatch(lines.all.join('\n').replace(/\x1b\[(?:0|2|31|32)m/g, ''), /\x1b/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { RelayProcess } from '../support/relay-process.ts'
import { expectCode, SmtpClient } from '../support/smtp-client.ts'

/** More log lines than a pipe, a socket and the buffers of this process hold together. */
const messages = 2_000
const connections = 4

for (const workers of ['1', '2']) {
  const where = `with --workers ${workers}`

  test(`an orderly stop writes every log line, even if the reader of stdout sleeps, ${where}`, async t => {
    const relay = await RelayProcess.start(t, { args: ['-r', 'discard', '--workers', workers] })
    relay.pauseReading()
    await sendMessages(relay.port)
    relay.signal('SIGTERM')
    await relay.stderr.find(/^Shutting down/)
    // Longer than the process would wait without --drain-timeout.
    await sleep(3_000)
    relay.resumeReading()
    assert.deepEqual(await relay.ended(), { code: 0, signal: null })
    assert.equal(relay.stdout.all.length, messages)
    for (const line of relay.stdout.all) assert.equal(JSON.parse(line).Error, null)
  })

  test(`log lines that are not read within --drain-timeout are given up, and stderr says how many, ${where}`, async t => {
    const args = ['-r', 'discard', '--workers', workers, '--drain-timeout', '1']
    const relay = await RelayProcess.start(t, { args })
    relay.pauseReading()
    await sendMessages(relay.port)
    relay.signal('SIGTERM')
    assert.deepEqual(await relay.exited, { code: 0, signal: null })
    const line = await relay.stderr.find(/log lines/)
    const [, count] =
      /"stdout is not being read; up to (\d+) log lines were lost at the end"/.exec(line) ?? []
    relay.resumeReading()
    await relay.ended()
    const lost = Number(count)
    assert.ok(lost > 0 && lost <= messages, line)
    assert.ok(relay.stdout.all.length + lost >= messages, `${relay.stdout.all.length} lines and ${lost}`)
  })
}

async function sendMessages(port: number): Promise<void> {
  const message = 'MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n'
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const wire = await SmtpClient.connect(port)
      await wire.greet()
      for (let sent = 0; sent < messages / connections; sent++) {
        wire.say(message)
        for (const code of [250, 250, 354]) expectCode(await wire.reply(), code)
        expectCode(await wire.ask('Subject: x\r\n\r\nx\r\n.'), 250)
      }
      await wire.ask('QUIT')
      wire.vanish()
    }),
  )
}

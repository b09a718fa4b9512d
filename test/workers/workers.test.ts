import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { within } from '../support/deadline.ts'
import { FakeSes } from '../support/fake-ses.ts'
import { freePort } from '../support/free-port.ts'
import { Lines } from '../support/lines.ts'
import { storedMessages } from '../support/maildir.ts'
import { lineOf } from '../support/proxy-headers.ts'
import { processEnded, RelayCluster } from '../support/relay-cluster.ts'
import { certificatePath, keyPath, program, RelayProcess, run } from '../support/relay-process.ts'
import { expectCode, SmtpClient } from '../support/smtp-client.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

test('workers share every address, and the startup message is written once', async t => {
  const crew = await RelayCluster.start(t, 3, { tls: true })
  const pids = await crew.reachAllWorkers()
  assert.ok(!pids.has(crew.relay.pid))
  for (const tls of [false, true]) {
    const wire = await SmtpClient.connect(tls ? crew.relay.tlsPort : crew.relay.port, { tls })
    await wire.greet()
    assert.ok(pids.has(await crew.pidServing(wire)))
  }
  const [where, what, how, ...rest] = crew.relay.stderr.all
  assert.match(where!, / with 3 workers$/)
  assert.match(what!, /^Backend: maildir \(one file per message in .*\/new\)$/)
  assert.match(how!, new RegExp(`^Try: .* smtp://127\\.0\\.0\\.1:${crew.relay.port}/`))
  assert.deepEqual(rest, [])
})

test('with --workers 1 the process serves itself', async t => {
  const crew = await RelayCluster.start(t, 1)
  assert.equal(await crew.pidServing(await crew.client()), crew.relay.pid)
})

test('a start that fails with one process fails in the same way with several', async t => {
  const directory = await temporaryDirectory(t)
  const file = join(directory, 'file')
  await writeFile(file, 'no:hash')
  const taken = await RelayProcess.start(t, { args: ['-r', 'discard'] })
  const free = ['-a', '127.0.0.1:0']
  const faults: Record<string, readonly string[]> = {
    'an address in use': ['-r', 'discard', '-a', `127.0.0.1:${taken.port}`],
    'a second address in use': ['-r', 'discard', '-a', `127.0.0.1:0,127.0.0.1:${taken.port}`],
    'an invalid key': ['-r', 'discard', ...free, '-c', certificatePath, '-k', certificatePath],
    'no users file': ['-r', 'discard', ...free, '--users-file', '/nonexistent', '--allow-plaintext-auth'],
    'an invalid users file': ['-r', 'discard', ...free, '--users-file', file, '--allow-plaintext-auth'],
    'an invalid expression': ['-r', 'discard', ...free, '-l', '('],
    'a Maildir that cannot be created': ['-r', 'maildir', ...free, '--maildir', join(file, 'sub')],
  }
  for (const [name, args] of Object.entries(faults)) {
    await t.test(name, async () => {
      const alone = await run(args)
      assert.equal(alone.code, 1)
      assert.match(alone.stderr, /^[^\n]+$/)
      assert.deepEqual(await run([...args, '--workers', '3']), alone)
    })
  }
})

test('--check starts no workers', async () => {
  const args = ['-r', 'discard', '--message-memory', '256MiB', '--check']
  const { stdout, ...three } = await run([...args, '--workers', '3'])
  const one = await run(args)
  assert.deepEqual({ ...three, stdout: stdout.replace(/\nWorkers: 3,[^\n]*/, '') }, one)
})

for (const to of ['the primary', 'the whole group'] as const) {
  test(`a signal to ${to} lets a message in flight finish, and one line counts all clients`, async t => {
    // The longest possible time: no timer may treat it as zero.
    const crew = await RelayCluster.start(t, 3, { args: ['--drain-timeout', '2147483'] })
    const pids = [...(await crew.reachAllWorkers())]
    const idle = await Promise.all(pids.map(() => crew.client()))
    const busy = await crew.client()
    await busy.open()
    await busy.put('Subject: x\r\n')
    if (to === 'the whole group') for (const pid of pids) process.kill(pid, 'SIGINT')
    crew.relay.signal('SIGINT')
    for (const wire of idle) {
      assert.equal(await wire.rest(), '421 4.3.2 relay.test is shutting down, try again later\r\n')
      wire.vanish()
    }
    assert.equal(
      await crew.relay.stderr.find(/^Shutting down/),
      'Shutting down: waiting up to 2147483 s for 4 clients. Send SIGINT again to stop immediately',
    )
    await assert.rejects(SmtpClient.connect(crew.relay.port), { code: 'ECONNREFUSED' })
    busy.say('\r\nlate\r\n.\r\n')
    assert.match((await busy.reply()).text, /^250 2\.0\.0 Ok \S+$/)
    assert.match(await busy.rest(), /^421 4\.3\.2 /)
    busy.vanish()
    assert.deepEqual(await crew.relay.ended(), { code: 0, signal: null })
    assert.equal(crew.relay.stderr.all.length, 4)
    for (const pid of pids) await processEnded(pid)
  })
}

test('a stop while the last addresses are not open yet lets a message on the first one finish', async t => {
  const port = await freePort()
  // A worker opens one after the other, which takes long enough to send half a message meanwhile.
  const others = Array.from({ length: 400 }, () => '127.0.0.1:0')
  const args = ['-r', 'discard', '-a', [`127.0.0.1:${port}`, ...others].join(','), '--workers', '2']
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  t.after(() => void child.kill('SIGKILL'))
  const stderr = new Lines(child.stderr)
  const ended = once(child, 'exit')
  const connect = async () => {
    for (;;) {
      const wire = await SmtpClient.connect(port).catch(() => undefined)
      if (wire !== undefined) return wire
      await sleep(2)
    }
  }
  const wire = await within(connect(), 'the first address to be open', () => stderr.all.join('\n'))
  await wire.greet()
  await wire.open()
  await wire.put('Subject: x\r\n')
  // Otherwise the test would show nothing.
  assert.ok(!stderr.all.some(line => line.includes('listens on')), 'all addresses are open already')
  child.kill('SIGTERM')
  await stderr.find(/^Shutting down/)
  wire.say('\r\nlate\r\n.\r\n')
  expectCode(await wire.reply(), 250)
  wire.vanish()
  assert.deepEqual(await within(ended, 'the end', () => stderr.all.join('\n')), [0, null])
})

test('a second signal ends all workers at once', async t => {
  const crew = await RelayCluster.start(t, 2)
  const pids = await crew.reachAllWorkers()
  const busy = await crew.client()
  await busy.open()
  crew.relay.signal('SIGTERM')
  await crew.relay.stderr.find(/^Shutting down/)
  assert.ok(crew.relay.alive)
  crew.relay.signal('SIGTERM')
  assert.deepEqual(await crew.relay.ended(), { code: 1, signal: null })
  assert.equal(await busy.rest(), '')
  for (const pid of pids) await processEnded(pid)
})

test('when the primary is killed, the port is free, messages in flight finish, and then the workers end', async t => {
  const crew = await RelayCluster.start(t, 2)
  const pids = await crew.reachAllWorkers()
  const idle = await crew.client()
  const busy = await crew.client()
  await busy.open()
  await busy.put('Subject: x\r\n')
  await crew.relay.kill()
  assert.match(await idle.rest(), /^421 4\.3\.2 /)
  idle.vanish()
  await assert.rejects(SmtpClient.connect(crew.relay.port), { code: 'ECONNREFUSED' })
  busy.say('\r\nlate\r\n.\r\n')
  assert.match((await busy.reply()).text, /^250 2\.0\.0 Ok \S+$/)
  assert.match(await busy.rest(), /^421 4\.3\.2 /)
  busy.vanish()
  for (const pid of pids) await processEnded(pid)
})

test('a worker that is killed within a message loses no message that was answered, and is replaced', async t => {
  const crew = await RelayCluster.start(t, 2)
  await crew.reachAllWorkers()
  const victim = await crew.client()
  const pid = await crew.pidServing(victim)
  const neighbour = await crew.clientOfAnotherWorker(pid)
  for (const wire of [victim, neighbour]) {
    await wire.open()
    await wire.put('Subject: x\r\n')
  }
  const answered = (await storedMessages(crew.maildir)).length
  process.kill(pid, 'SIGKILL')
  assert.equal(await victim.rest(), '')
  await crew.relay.stderr.find(
    new RegExp(`^Worker [12] \\(pid ${pid}\\) was killed by SIGKILL; restarting now$`),
  )
  neighbour.say('\r\n.\r\n')
  assert.match((await neighbour.reply()).text, /^250 /)
  assert.equal((await storedMessages(crew.maildir)).length, answered + 1)
  assert.ok(!(await crew.reachAllWorkers()).has(pid))
})

test('a worker that keeps dying is replaced after longer and longer delays, and a stop does not wait for it', async t => {
  const crew = await RelayCluster.start(t, 2)
  const known = await crew.reachAllWorkers()
  let [pid] = known as Set<number>
  for (const wait of ['now', 'in 100 ms', 'in 200 ms', 'in 400 ms']) {
    process.kill(pid!, 'SIGKILL')
    await crew.relay.stderr.find(new RegExp(`pid ${pid}\\) was killed .*; restarting ${wait}$`))
    if (wait === 'in 400 ms') break
    const pids = await crew.reachAllWorkers()
    pid = [...pids].find(pid => !known.has(pid))!
    known.add(pid)
  }
  const asked = performance.now()
  assert.deepEqual(await crew.relay.stop(), { code: 0, signal: null })
  assert.ok(performance.now() - asked < 5_000)
})

test('SIGHUP makes every worker reload the certificate, and one line reports it', async t => {
  const directory = await temporaryDirectory(t)
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  const install = async (certificate: string, privateKey: string) => {
    await copyFile(certificate, cert)
    await copyFile(privateKey, key)
  }
  await install(certificatePath, keyPath)
  const crew = await RelayCluster.start(t, 3, { args: ['-c', cert, '-k', key] })
  const names = async () => {
    const seen = new Set<string>()
    for (let i = 0; i < 6; i++) {
      const wire = await crew.client()
      await wire.startTls()
      seen.add(wire.certificateName)
      wire.vanish()
    }
    return [...seen]
  }
  const [before] = await names()
  await install(fixture('renewed.pem'), fixture('renewed-key.pem'))
  crew.relay.signal('SIGHUP')
  await crew.relay.stderr.find(/^TLS certificate reloaded$/)
  const all = async () => {
    // The other workers may be a moment later.
    for (;;) {
      const now = await names()
      if (!now.includes(before!)) return now
    }
  }
  assert.equal((await within(all(), 'the new certificate everywhere')).length, 1)
  assert.equal(crew.relay.stderr.all.length, 4)
})

test('long lines of several workers are not cut, even if the reader is slow', async t => {
  const [clients, mails, recipients] = [8, 12, 100]
  const crew = await RelayCluster.start(t, 4, { relay: 'discard' })
  const names = Array.from({ length: recipients }, (_, n) => `${'x'.repeat(60)}${n}@example.org`)
  const opening = `MAIL FROM:<a@example.org>\r\n${names.map(name => `RCPT TO:<${name}>\r\n`).join('')}`
  const wires = await Promise.all(Array.from({ length: clients }, () => crew.client()))
  // Lines would be cut if they do not fit into the pipe at once.
  crew.relay.pauseReading()
  await Promise.all(
    wires.map(async wire => {
      for (let mail = 0; mail < mails; mail++) {
        wire.say(`${opening}DATA\r\n`)
        for (let n = 0; n <= recipients; n++) expectCode(await wire.reply(), 250)
        expectCode(await wire.reply(), 354)
        wire.say('x\r\n.\r\n')
        expectCode(await wire.reply(), 250)
      }
    }),
  )
  crew.relay.resumeReading()
  await crew.relay.stdout.find(/^/, clients * mails - 1)
  const lines = crew.relay.stdout.all
  assert.equal(lines.length, clients * mails)
  for (const line of lines) {
    assert.ok(line.length > 4096)
    assert.deepEqual(JSON.parse(line).To, names)
  }
})

test('workers continue if the reader of the log goes away', async t => {
  const crew = await RelayCluster.start(t, 2)
  const pids = await crew.reachAllWorkers()
  crew.relay.stopReading()
  assert.deepEqual(await crew.reachAllWorkers(), pids)
  assert.deepEqual(await crew.reachAllWorkers(), pids)
  assert.ok(crew.relay.alive)
})

test('a problem with AWS is reported once for all workers', async t => {
  const crew = await RelayCluster.start(t, 3, { relay: 'ses', env: { AWS_EC2_METADATA_DISABLED: 'true' } })
  await crew.relay.stderr.find(/^Backend check failed, mail will be answered 451 until this is fixed: /)
  await crew.relay.stop()
  assert.equal(crew.relay.stderr.all.filter(line => line.startsWith('Backend check failed')).length, 1)
})

for (const [given, quota] of [
  ['0.2', undefined],
  ['auto', 0.2],
] as const) {
  test(`a send rate of ${given} is divided between the workers`, async t => {
    const standIn = await FakeSes.start()
    t.after(() => standIn.close())
    standIn.maxSendRate = quota
    const asked = standIn.requests
    const crew = await RelayCluster.start(t, 2, {
      relay: 'ses',
      args: ['--send-rate', given, '--max-wait', '0'],
      env: standIn.environment,
    })
    const known = async () => {
      while (given === 'auto' && standIn.requests < asked + 2) await standIn.arrival()
    }
    await within(known(), 'both workers to ask for the quota')
    const wire = await crew.client()
    const refused = async () => {
      while ((await wire.mail('x\r\n')).code === 250);
    }
    await within(refused(), 'the rate to be used up')
    assert.match(
      await crew.relay.stderr.find(/^\{/),
      /"SendRateExceeded: the limit of 0\.1 recipients per second is used up/,
    )
    // The other worker has its own part of the rate.
    expectCode(await (await crew.client()).mail('x\r\n'), 250)
  })
}

test('--max-connections is the limit of all workers together', async t => {
  const crew = await RelayCluster.start(t, 2, { relay: 'discard', args: ['--max-connections', '4'] })
  const codes: number[] = []
  for (let n = 0; n < 6; n++) codes.push((await (await SmtpClient.connect(crew.relay.port)).reply()).code)
  assert.deepEqual(codes, [220, 220, 220, 220, 421, 421])
})

test('a worker reads the PROXY header of a load balancer', async t => {
  const crew = await RelayCluster.start(t, 2, { args: ['--proxy-protocol', '127.0.0.1', '-i', '192.0.2.7'] })
  for (const [client, code] of [
    ['192.0.2.7', 220],
    ['192.0.2.8', 554],
    ['192.0.2.7', 220],
  ] as const) {
    const wire = await SmtpClient.connect(crew.relay.port)
    wire.say(lineOf(client))
    expectCode(await wire.reply(), code)
  }
})

function fixture(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
}

import assert from 'node:assert/strict'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SesStandIn } from '../relay/ses-stand-in.ts'
import { lineOf } from '../transport/proxy-headers.ts'
import { expectCode, Wire } from '../transport/wire.ts'
import { Crew, gone } from './crew.ts'
import { within } from './deadline.ts'
import { storedMails } from './inbox.ts'
import { certificatePath, keyPath, RelayProcess, run, temporaryDirectory } from './relay-process.ts'

test('workers share every address, and the start-up message is said once', async t => {
  const crew = await Crew.start(t, 3, { tls: true })
  const pids = await crew.meetAll()
  assert.ok(!pids.has(crew.relay.pid))
  for (const tls of [false, true]) {
    const wire = await Wire.connect(tls ? crew.relay.tlsPort : crew.relay.port, { tls })
    await wire.greet()
    assert.ok(pids.has(await crew.pidBehind(wire)))
  }
  const [where, what, how, ...rest] = crew.relay.stderr.all
  assert.match(where!, / with 3 workers$/)
  assert.match(what!, /^Mail goes to .*\/new, one file a mail$/)
  assert.match(how!, new RegExp(`^Try: .* smtp://127\\.0\\.0\\.1:${crew.relay.port}/`))
  assert.deepEqual(rest, [])
})

test('one worker is the program itself', async t => {
  const crew = await Crew.start(t, 1)
  assert.equal(await crew.pidBehind(await crew.client()), crew.relay.pid)
})

test('what cannot start with one process ends in the same way with several', async t => {
  const directory = await temporaryDirectory(t)
  const file = join(directory, 'file')
  await writeFile(file, 'no:hash')
  const taken = await RelayProcess.start(t, { args: ['-r', 'discard'] })
  const free = ['-a', '127.0.0.1:0']
  const faults: Record<string, readonly string[]> = {
    'an address in use': ['-r', 'discard', '-a', `127.0.0.1:${taken.port}`],
    'a second address in use': ['-r', 'discard', '-a', `127.0.0.1:0,127.0.0.1:${taken.port}`],
    'a key that is none': ['-r', 'discard', ...free, '-c', certificatePath, '-k', certificatePath],
    'no file of users': ['-r', 'discard', ...free, '--users', '/nonexistent', '--allow-plaintext-auth'],
    'a bad file of users': ['-r', 'discard', ...free, '--users', file, '--allow-plaintext-auth'],
    'a bad expression': ['-r', 'discard', ...free, '-l', '('],
    'a Maildir that cannot be made': ['-r', 'maildir', ...free, '--maildir', join(file, 'sub')],
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

test('a check needs no workers', async () => {
  const args = ['-r', 'discard', '--memory', '256MiB', '--check']
  const { stdout, ...three } = await run([...args, '--workers', '3'])
  const one = await run(args)
  assert.deepEqual({ ...three, stdout: stdout.replace(/\nWorkers: 3,[^\n]*/, '') }, one)
})

for (const to of ['the primary', 'the whole group'] as const) {
  test(`a signal to ${to} lets a running mail finish, and one line tells of all clients`, async t => {
    // As long as can be: no timer may take it for no time at all.
    const crew = await Crew.start(t, 3, { args: ['--drain-timeout', '2147483'] })
    const pids = [...(await crew.meetAll())]
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
      await crew.relay.stderr.find(/^Stopping/),
      'Stopping: 4 clients connected, running mails get 2147483 s; SIGINT again stops at once',
    )
    await assert.rejects(Wire.connect(crew.relay.port), { code: 'ECONNREFUSED' })
    busy.say('\r\nlate\r\n.\r\n')
    assert.match((await busy.reply()).text, /^250 2\.0\.0 Ok \S+$/)
    assert.match(await busy.rest(), /^421 4\.3\.2 /)
    busy.vanish()
    assert.deepEqual(await crew.relay.ended(), { code: 0, signal: null })
    assert.equal(crew.relay.stderr.all.length, 4)
    for (const pid of pids) await gone(pid)
  })
}

test('a second signal ends all of them at once', async t => {
  const crew = await Crew.start(t, 2)
  const pids = await crew.meetAll()
  const busy = await crew.client()
  await busy.open()
  crew.relay.signal('SIGTERM')
  await crew.relay.stderr.find(/^Stopping/)
  assert.ok(crew.relay.alive)
  crew.relay.signal('SIGTERM')
  assert.deepEqual(await crew.relay.ended(), { code: 1, signal: null })
  assert.equal(await busy.rest(), '')
  for (const pid of pids) await gone(pid)
})

test('when the primary is killed the port is free, running mails end, and then the workers do', async t => {
  const crew = await Crew.start(t, 2)
  const pids = await crew.meetAll()
  const idle = await crew.client()
  const busy = await crew.client()
  await busy.open()
  await busy.put('Subject: x\r\n')
  await crew.relay.kill()
  assert.match(await idle.rest(), /^421 4\.3\.2 /)
  idle.vanish()
  await assert.rejects(Wire.connect(crew.relay.port), { code: 'ECONNREFUSED' })
  busy.say('\r\nlate\r\n.\r\n')
  assert.match((await busy.reply()).text, /^250 2\.0\.0 Ok \S+$/)
  assert.match(await busy.rest(), /^421 4\.3\.2 /)
  busy.vanish()
  for (const pid of pids) await gone(pid)
})

test('a worker that is killed in the middle of a mail loses none that was answered, and is replaced', async t => {
  const crew = await Crew.start(t, 2)
  await crew.meetAll()
  const victim = await crew.client()
  const pid = await crew.pidBehind(victim)
  const neighbour = await crew.clientOfAnother(pid)
  for (const wire of [victim, neighbour]) {
    await wire.open()
    await wire.put('Subject: x\r\n')
  }
  const answered = (await storedMails(crew.maildir)).length
  process.kill(pid, 'SIGKILL')
  assert.equal(await victim.rest(), '')
  await crew.relay.stderr.find(
    new RegExp(`^Worker [12] \\(process ${pid}\\) was killed by SIGKILL; another one starts at once$`),
  )
  neighbour.say('\r\n.\r\n')
  assert.match((await neighbour.reply()).text, /^250 /)
  assert.equal((await storedMails(crew.maildir)).length, answered + 1)
  assert.ok(!(await crew.meetAll()).has(pid))
})

test('one that keeps dying is replaced ever later, and a stop does not wait for it', async t => {
  const crew = await Crew.start(t, 2)
  const known = await crew.meetAll()
  let [pid] = known as Set<number>
  for (const wait of ['at once', 'in 100 ms', 'in 200 ms', 'in 400 ms']) {
    process.kill(pid!, 'SIGKILL')
    await crew.relay.stderr.find(new RegExp(`process ${pid}\\) was killed .*; another one starts ${wait}$`))
    if (wait === 'in 400 ms') break
    const pids = await crew.meetAll()
    pid = [...pids].find(pid => !known.has(pid))!
    known.add(pid)
  }
  const asked = performance.now()
  assert.deepEqual(await crew.relay.stop(), { code: 0, signal: null })
  assert.ok(performance.now() - asked < 5_000)
})

test('SIGHUP makes every worker read the certificate again, and one of them tells it', async t => {
  const directory = await temporaryDirectory(t)
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  const install = async (certificate: string, privateKey: string) => {
    await copyFile(certificate, cert)
    await copyFile(privateKey, key)
  }
  await install(certificatePath, keyPath)
  const crew = await Crew.start(t, 3, { args: ['-c', cert, '-k', key] })
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
  await crew.relay.stderr.find(/^TLS certificate read again$/)
  const all = async () => {
    // The others may be a moment later.
    for (;;) {
      const now = await names()
      if (!now.includes(before!)) return now
    }
  }
  assert.equal((await within(all(), 'the new certificate everywhere')).length, 1)
  assert.equal(crew.relay.stderr.all.length, 4)
})

test('long lines of several workers stay whole, also where the reader is slow', async t => {
  const [clients, mails, recipients] = [8, 12, 100]
  const crew = await Crew.start(t, 4, { relay: 'discard' })
  const names = Array.from({ length: recipients }, (_, n) => `${'x'.repeat(60)}${n}@example.org`)
  const opening = `MAIL FROM:<a@example.org>\r\n${names.map(name => `RCPT TO:<${name}>\r\n`).join('')}`
  const wires = await Promise.all(Array.from({ length: clients }, () => crew.client()))
  // What does not fit into the pipe at once is where lines would be cut.
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

test('a reader of the log that goes away does not end anybody', async t => {
  const crew = await Crew.start(t, 2)
  const pids = await crew.meetAll()
  crew.relay.stopReading()
  assert.deepEqual(await crew.meetAll(), pids)
  assert.deepEqual(await crew.meetAll(), pids)
  assert.ok(crew.relay.alive)
})

test('what is wrong with AWS is said once, not by each', async t => {
  const crew = await Crew.start(t, 3, { relay: 'ses', env: { AWS_EC2_METADATA_DISABLED: 'true' } })
  await crew.relay.stderr.find(/^Mail cannot be sent yet: /)
  await crew.relay.stop()
  assert.equal(crew.relay.stderr.all.filter(line => line.startsWith('Mail cannot be sent')).length, 1)
})

for (const [given, quota] of [
  ['0.2', undefined],
  ['auto', 0.2],
] as const) {
  test(`a send rate of ${given} is divided between the workers`, async t => {
    const standIn = await SesStandIn.start()
    t.after(() => standIn.close())
    standIn.maxSendRate = quota
    const asked = standIn.requests
    const crew = await Crew.start(t, 2, {
      relay: 'ses',
      args: ['--send-rate', given, '--patience', '0'],
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
    // The other worker has its own share.
    expectCode(await (await crew.client()).mail('x\r\n'), 250)
  })
}

test('as many clients are served as all workers together may serve', async t => {
  const crew = await Crew.start(t, 2, { relay: 'discard', args: ['--max-connections', '4'] })
  const codes: number[] = []
  for (let n = 0; n < 6; n++) codes.push((await (await Wire.connect(crew.relay.port)).reply()).code)
  assert.deepEqual(codes, [220, 220, 220, 220, 421, 421])
})

test('a worker reads the PROXY header of a load balancer', async t => {
  const crew = await Crew.start(t, 2, { args: ['--proxy-protocol', '127.0.0.1', '-i', '192.0.2.7'] })
  for (const [client, code] of [
    ['192.0.2.7', 220],
    ['192.0.2.8', 554],
    ['192.0.2.7', 220],
  ] as const) {
    const wire = await Wire.connect(crew.relay.port)
    wire.say(lineOf(client))
    expectCode(await wire.reply(), code)
  }
})

function fixture(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
}

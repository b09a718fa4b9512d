import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { rootCertificates } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { within } from '../support/deadline.ts'
import { Lines } from '../support/lines.ts'
import { certificatePath, keyPath, RelayProcess, tlsArguments } from '../support/relay-process.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { smtpTranscript } from './command.ts'

const program = fileURLToPath(new URL('../../dist/transcript/cli.js', import.meta.url))
const tlsFiles = ['--tls-cert', certificatePath, '--tls-key', keyPath]

/** `smtp-transcript record` in front of a server, on a free port. */
class RecordingProcess {
  readonly folder: string
  readonly port: number
  readonly stdout: Lines
  readonly #child: ChildProcess

  private constructor(folder: string, port: number, stdout: Lines, child: ChildProcess) {
    this.folder = folder
    this.port = port
    this.stdout = stdout
    this.#child = child
  }

  static async start(t: TestContext, serverPort: number, ...args: string[]): Promise<RecordingProcess> {
    const folder = await temporaryDirectory(t)
    const where = ['--listen', '127.0.0.1:0', '--server', `127.0.0.1:${serverPort}`, '--output', folder]
    const child = spawn(process.execPath, [program, 'record', ...where, ...args])
    t.after(() => void child.kill('SIGKILL'))
    const line = await new Lines(child.stderr!).find(/^Recording /)
    const port = Number(/^Recording 127\.0\.0\.1:(\d+), /.exec(line)?.[1])
    return new RecordingProcess(folder, port, new Lines(child.stdout!), child)
  }

  /** Returns the text of a recording, as soon as it exists. */
  async recording(number = 1): Promise<string> {
    await this.stdout.find(new RegExp(`recording-${number}\\.smtp$`))
    return readFile(join(this.folder, `recording-${number}.smtp`), 'utf8')
  }

  async ended(signal?: NodeJS.Signals): Promise<number> {
    const exited = this.#child.exitCode === null ? once(this.#child, 'exit') : [this.#child.exitCode]
    if (signal !== undefined) this.#child.kill(signal)
    const [code] = await within(Promise.resolve(exited), 'the recorder to end')
    return code as number
  }
}

describe('record', () => {
  it('records both sides, and ends after --count connections', async t => {
    const relay = await RelayProcess.start(t, { args: ['-r', 'discard'] })
    const recorder = await RecordingProcess.start(t, relay.port, '--count', '2')
    for (const content of ['Subject: one\r\n\r\n..\r\n', '\xff{x}\x1b\r\n']) {
      const wire = await SmtpClient.connect(recorder.port)
      await wire.greet()
      await wire.mail(content)
      await wire.ask('QUIT')
      await wire.rest()
      wire.finish()
    }
    assert.match(
      await recorder.recording(1),
      /C: DATA\nS: 354 .*\nC: Subject: one\nC:\nC: \.\.\nC: \.\nS: 250 .*\nC: QUIT\nS: 221 .*\n> close\n$/,
    )
    assert.match(await recorder.recording(2), /C~ \\xff\\\{x\\\}\\x1b\\r\\n\nC: \.\n/)
    assert.equal(await recorder.ended(), 0)
    const { code, stdout } = await smtpTranscript(['play', '--update', recorder.folder])
    assert.equal(code, 0, stdout)
  })

  it('overwrites no file, not even a dangling link', async t => {
    const relay = await RelayProcess.start(t, { args: ['-r', 'discard'] })
    const recorder = await RecordingProcess.start(t, relay.port, '--count', '1')
    await symlink('/nowhere/to/be/found', join(recorder.folder, 'recording-1.smtp'))
    const wire = await SmtpClient.connect(recorder.port)
    await wire.greet()
    wire.socket.destroy()
    assert.match(await recorder.recording(2), /^Title: Recording 2 /)
    assert.equal(await recorder.ended(), 0)
  })

  it('exits with status 2 if it can no longer write', async t => {
    const relay = await RelayProcess.start(t, { args: ['-r', 'discard'] })
    const recorder = await RecordingProcess.start(t, relay.port)
    await rm(recorder.folder, { recursive: true })
    const wire = await SmtpClient.connect(recorder.port)
    await wire.greet()
    wire.socket.destroy()
    assert.equal(await recorder.ended(), 2)
  })

  it('terminates TLS on both sides, and records no password', async t => {
    const relay = await RelayProcess.start(t, {
      args: ['-r', 'discard', '-u', 'tim', ...tlsArguments],
      env: { PASSWORD: 'hush' },
    })
    const others = join(await temporaryDirectory(t), 'ca.pem')
    await writeFile(others, rootCertificates[0]!)
    const wary = await RecordingProcess.start(t, relay.port, '--ca', others, ...tlsFiles)
    const mistaken = await SmtpClient.connect(wary.port)
    await mistaken.greet()
    mistaken.say('STARTTLS\r\n')
    await mistaken.rest()
    assert.match(await wary.recording(), /# TLS failed, the server: self-signed certificate/)

    const trusting = await RecordingProcess.start(
      t,
      relay.port,
      '--count',
      '1',
      '--ca',
      certificatePath,
      ...tlsFiles,
    )
    const wire = await SmtpClient.connect(trusting.port)
    await wire.greet()
    await wire.startTls()
    await wire.ask('EHLO client.test')
    await wire.ask(`AUTH PLAIN ${Buffer.from('\0tim\0hush').toString('base64')}`)
    await wire.mail('Subject: secret\r\n')
    await wire.ask('QUIT')
    await wire.rest()
    wire.finish()
    const text = await trusting.recording()
    assert.match(text, /^With: tls=offered, mechanisms=PLAIN LOGIN CRAM-MD5, smtputf8=yes, binarymime=yes$/m)
    assert.match(text, /> upgrade\n\* secured\nC: EHLO client\.test\n/)
    assert.match(text, /^C: AUTH PLAIN AHVzZXIAc2VjcmV0$/m)
    assert.doesNotMatch(text, /aHVza|hush/)
    assert.equal(await trusting.ended(), 0)
    const { code, stdout } = await smtpTranscript(['play', '--update', trusting.folder])
    assert.equal(code, 0, stdout)
  })

  it('forwards TLS if it has no certificate, and says so', async t => {
    const relay = await RelayProcess.start(t, { args: ['-r', 'discard', ...tlsArguments] })
    const recorder = await RecordingProcess.start(t, relay.port)
    const wire = await SmtpClient.connect(recorder.port)
    await wire.greet()
    await wire.startTls()
    assert.equal(wire.certificateName, 'relay.test')
    await wire.ask('EHLO unseen.test')
    await wire.ask('QUIT')
    wire.vanish()
    const text = await recorder.recording()
    assert.match(text, /C: STARTTLS\nS: 220 .*\n# TLS follows and was not recorded\n$/)
    assert.equal(await recorder.ended('SIGTERM'), 0)
  })

  it('forwards half-closes', async t => {
    const relay = await RelayProcess.start(t, { args: ['-r', 'discard'] })
    const recorder = await RecordingProcess.start(t, relay.port)
    const wire = await SmtpClient.connect(recorder.port)
    wire.say('NOOP\r\nNOOP\r\n')
    wire.finish()
    assert.match(await wire.rest(), /^220 .*\r\n250 .*\r\n250 .*\r\n$/)
    assert.match(
      await recorder.recording(),
      /\nC: NOOP\nC: NOOP\nS: 220 .*\nS: 250 .*\nS: 250 .*\n\* hangs up\n$/,
    )
  })

  it('applies backpressure to the faster side', async t => {
    let served: Socket | undefined
    const port = await listen(t, socket => {
      served = socket.pause()
    })
    const recorder = await RecordingProcess.start(t, port)
    const client = connect(recorder.port, '127.0.0.1')
    t.after(() => client.destroy())
    await within(once(client, 'connect'), 'a connection')
    const piece = Buffer.alloc(64 * 1024, 'x\r\n')
    let sent = 0
    while (client.write(piece)) sent += piece.length
    // Only as much as the kernel buffers: 64 MiB would pass through a proxy without backpressure.
    const pushing = async () => {
      for (; sent < 64 * 1024 * 1024; sent += piece.length)
        if (!client.write(piece)) await once(client, 'drain', { signal: AbortSignal.timeout(500) })
    }
    await assert.rejects(pushing(), { name: 'AbortError' })
    assert.ok(sent < 48 * 1024 * 1024, `${sent} bytes went through`)
    // Once the server reads, the transfer continues.
    served!.resume()
    await within(once(client, 'drain'), 'the client to go on')
    client.end()
    assert.match(await recorder.recording(), /^C~ \{\d+\*x\\r\\n\}/m)
  })

  it('ends and writes its recordings on a signal', async t => {
    const relay = await RelayProcess.start(t, { args: ['-r', 'discard'] })
    const recorder = await RecordingProcess.start(t, relay.port)
    const wire = await SmtpClient.connect(recorder.port)
    await wire.greet()
    assert.equal(await recorder.ended('SIGINT'), 0)
    assert.match(await recorder.recording(), /C: EHLO client\.test\nS: 250-/)
  })

  it('continues if the server resets a connection, and writes no empty recording', async t => {
    const port = await listen(t, socket => socket.resetAndDestroy())
    const recorder = await RecordingProcess.start(t, port)
    for (let round = 0; round < 3; round++) await (await SmtpClient.connect(recorder.port)).rest()
    assert.equal(await recorder.ended('SIGTERM'), 0)
    assert.deepEqual(await readdir(recorder.folder), [])
  })

  it('numbers its recordings', async t => {
    const relay = await RelayProcess.start(t, { args: ['-r', 'discard'] })
    const recorder = await RecordingProcess.start(t, relay.port)
    for (const number of [1, 2]) {
      const wire = await SmtpClient.connect(recorder.port)
      await wire.greet()
      await wire.ask(`NOOP ${number}`)
      wire.vanish()
      assert.match(await recorder.recording(number), new RegExp(`^C: NOOP ${number}$`, 'm'))
    }
  })

  for (const [args, message] of [
    [['--listen', '127.0.0.1:0'], /^--server HOST:PORT is missing$/m],
    [
      ['--listen', '127.0.0.1:0', '--server', '127.0.0.1:1', '--tls-cert', certificatePath],
      /^--tls-cert and --tls-key must be given together$/m,
    ],
    [['--listen', '127.0.0.1:0', '--server', '127.0.0.1:1', 'file'], /^record takes no operands$/m],
  ] as const)
    it(`does not start with ${args.slice(2).join(' ').replaceAll(certificatePath, 'FILE')}`, async () => {
      const { code, stderr } = await smtpTranscript(['record', ...args])
      assert.equal(code, 2)
      assert.match(stderr, message)
    })
})

async function listen(t: TestContext, serve: (socket: Socket) => void): Promise<number> {
  const server = createServer(socket => {
    socket.on('error', () => {})
    t.after(() => socket.destroy())
    serve(socket)
  })
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  t.after(() => void server.close())
  return (server.address() as { port: number }).port
}

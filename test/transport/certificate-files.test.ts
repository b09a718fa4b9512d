import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect, type SecureContext, TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { CertificateFiles } from '../../src/transport/index.ts'
import { within } from '../support/deadline.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))

/** A directory with the first certificate and its key, for this test only. */
function directory(t: TestContext): { certPath: string; keyPath: string; path: string } {
  const path = mkdtempSync(join(tmpdir(), 'certificate-'))
  t.after(() => rmSync(path, { recursive: true }))
  const [certPath, keyPath] = [join(path, 'cert.pem'), join(path, 'key.pem')]
  copyFileSync(fixture('certificate.pem'), certPath)
  copyFileSync(fixture('key.pem'), keyPath)
  return { certPath, keyPath, path }
}

/** The name in the certificate that a client gets. */
async function nameIn(context: SecureContext): Promise<string> {
  const server = createServer(socket => {
    const secure = new TLSSocket(socket, { isServer: true, secureContext: context })
    secure.on('error', () => {})
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  try {
    return await within(
      new Promise<string>((resolve, reject) => {
        const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
          resolve(String(client.getPeerCertificate().subject.CN))
          client.destroy()
        })
        client.on('error', reject)
      }),
      'a handshake',
    )
  } finally {
    server.close()
  }
}

test('a renewed certificate is used by handshakes that begin after it was reloaded', async t => {
  const paths = directory(t)
  const files = new CertificateFiles(paths)
  const before = files.context
  copyFileSync(fixture('renewed.pem'), paths.certPath)
  copyFileSync(fixture('renewed-key.pem'), paths.keyPath)
  files.reload()
  assert.equal(await nameIn(before), 'relay.test')
  assert.equal(await nameIn(files.context), 'renewed.test')
})

test('if the new files cannot be used, the earlier certificate stays in use', t => {
  const paths = directory(t)
  const files = new CertificateFiles(paths)
  const { context } = files
  copyFileSync(fixture('renewed.pem'), paths.certPath)
  assert.throws(() => files.reload(), /^Error: tls: private key does not match public key$/)
  writeFileSync(paths.certPath, 'not a certificate')
  assert.throws(() => files.reload(), /^Error: tls: failed to find any certificate in PEM format$/)
  rmSync(paths.keyPath)
  assert.throws(() => files.reload(), { message: `open ${paths.keyPath}: no such file or directory` })
  assert.equal(files.context, context)
})

const names = ['certificate.pem', 'renewed.pem']

/** Ways to replace the certificate. */
const replacements: Record<string, (certPath: string, linked: string, turn: number) => void> = {
  rewritten: (certPath, _, turn) => copyFileSync(fixture(names[turn % 2]!), certPath),
  'replaced by renaming': (certPath, _, turn) => {
    copyFileSync(fixture(names[turn % 2]!), `${certPath}.new`)
    renameSync(`${certPath}.new`, certPath)
  },
  'behind a changed symbolic link': (_, linked, turn) => {
    const target = `${linked}.${turn}`
    mkdirSync(target)
    copyFileSync(fixture(names[turn % 2]!), join(target, 'cert.pem'))
    symlinkSync(target, `${linked}.new`)
    renameSync(`${linked}.new`, linked)
  },
}

for (const [way, replace] of Object.entries(replacements)) {
  test(`a file that is ${way} is noticed`, async t => {
    const { certPath, keyPath, path } = directory(t)
    const linked = join(path, 'current')
    symlinkSync(path, linked)
    const watched = way.includes('link') ? join(linked, 'cert.pem') : certPath
    const files = new CertificateFiles({ certPath: watched, keyPath })
    t.after(() => files.unwatch())
    const noticed = new Promise<void>(resolve => files.watch(resolve, 10))
    // The first poll is not reported, so the file is changed until that is noticed.
    let turn = 0
    const timer = setInterval(() => replace(certPath, linked, ++turn), 30)
    await within(noticed, 'the change to be noticed').finally(() => clearInterval(timer))
  })
}

test('stopping to watch does not affect other objects', async t => {
  const paths = directory(t)
  const [one, other] = [new CertificateFiles(paths), new CertificateFiles(paths)]
  t.after(() => other.unwatch())
  one.watch(() => assert.fail('it looks no more'), 10)
  const noticed = new Promise<void>(resolve => other.watch(resolve, 10))
  one.unwatch()
  let turn = 0
  const timer = setInterval(() => copyFileSync(fixture(names[++turn % 2]!), paths.certPath), 30)
  await within(noticed, 'the change to be noticed').finally(() => clearInterval(timer))
})

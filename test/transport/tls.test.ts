/** What a client and this server negotiate in a TLS handshake (RFC 9325), with STARTTLS and with implicit TLS. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { type ConnectionEvent, secureContext, tlsCiphers } from '../../src/transport/index.ts'
import { within } from '../support/deadline.ts'
import { missingTool, runTool } from '../support/external-tool.ts'
import { RecordingHost } from '../support/recording-host.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import { Stand } from './stand.ts'

const pem = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url))
const rsa = secureContext({ cert: pem('certificate.pem'), key: pem('key.pem') })
const ecdsa = secureContext({ cert: pem('renewed.pem'), key: pem('renewed-key.pem') })

const ways = ['STARTTLS', 'implicit TLS'] as const
type Way = (typeof ways)[number]

/** Does a TLS handshake as a client with these options. Rejects with the error of the client's socket. */
async function shakeHands(
  t: TestContext,
  stand: Stand,
  way: Way,
  options: ConnectionOptions,
): Promise<TLSSocket> {
  const wire = way === 'STARTTLS' ? await stand.greeted() : await SmtpClient.connect(stand.tlsPort)
  if (way === 'STARTTLS') assert.equal((await wire.ask('STARTTLS')).code, 220)
  const { socket } = wire
  socket.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close')
  const client = connect({ socket, servername: 'relay.test', rejectUnauthorized: false, ...options })
  t.after(() => client.destroy())
  await within(once(client, 'secureConnect'), 'a TLS handshake')
  return client
}

const tls12 = (ciphers: string): ConnectionOptions => ({
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
  ciphers,
})
const tls13 = (ciphers: string): ConnectionOptions => ({
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers,
})

/** OpenSSL 3.5 and newer. */
function hasHybridGroup(): boolean {
  const [major = 0, minor = 0] = process.versions.openssl.split('.').map(Number)
  return major > 3 || (major === 3 && minor >= 5)
}

/** The client's error; releases of OpenSSL have different codes for it. */
const refused = { message: /alert handshake failure/ }

for (const way of ways) {
  test(`over ${way} the server's order of ciphers is used, not the client's`, async t => {
    const stand = await Stand.set(t, new RecordingHost())
    const order = tlsCiphers.split(':')
    for (const [chosen, version] of [
      [order.filter(name => name.startsWith('TLS_')), tls13],
      [order.filter(name => name.startsWith('ECDHE-RSA-')), tls12],
    ] as const) {
      assert.equal(chosen.length, 3)
      const client = await shakeHands(t, stand, way, version(chosen.toReversed().join(':')))
      const { name, standardName } = client.getCipher()
      assert.equal(version === tls13 ? standardName : name, chosen[0])
    }
  })

  test(`over ${way} static RSA is not used: another cipher is, or the handshake fails`, async t => {
    const stand = await Stand.set(t, new RecordingHost())
    const client = await shakeHands(
      t,
      stand,
      way,
      tls12('AES128-SHA:AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256'),
    )
    assert.equal(client.getCipher().name, 'ECDHE-RSA-AES128-GCM-SHA256')
    for (const cipher of ['AES128-SHA', 'AES128-GCM-SHA256', 'AES256-GCM-SHA384']) {
      await assert.rejects(shakeHands(t, stand, way, tls12(cipher)), refused, cipher)
    }
    await stand.until(() => stand.closed.size === 3, 'the end of the failed handshakes')
    assert.deepEqual(stand.errors, [])
  })

  test(`over ${way} no cipher with CBC and none without forward secrecy is used`, async t => {
    const stand = await Stand.set(t, new RecordingHost())
    const weak = [
      'ECDHE-RSA-AES128-SHA256',
      'ECDHE-RSA-AES256-SHA384',
      'ECDHE-RSA-AES128-SHA',
      'DHE-RSA-AES128-SHA',
      'DHE-RSA-AES128-GCM-SHA256',
    ]
    for (const cipher of weak) {
      await assert.rejects(shakeHands(t, stand, way, tls12(cipher)), refused, cipher)
    }
    assert.deepEqual(stand.errors, [])
  })

  test(`over ${way} an ECDSA certificate works as an RSA certificate does`, async t => {
    for (const [kind, context] of [
      ['RSA', rsa],
      ['ECDSA', ecdsa],
    ] as const) {
      const stand = await Stand.set(t, new RecordingHost(), { secureContext: context })
      for (const suffix of ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305']) {
        const cipher = `ECDHE-${kind}-${suffix}`
        assert.equal((await shakeHands(t, stand, way, tls12(cipher))).getCipher().name, cipher)
      }
      const client = await shakeHands(t, stand, way, tls13('TLS_AES_128_GCM_SHA256'))
      assert.equal(client.getProtocol(), 'TLSv1.3')
    }
  })

  test(`over ${way} the key exchange uses elliptic curves, and none of the finite fields that cost the server much`, async t => {
    const stand = await Stand.set(t, new RecordingHost())
    const offer = (groups: string) => shakeHands(t, stand, way, { minVersion: 'TLSv1.3', ecdhCurve: groups })
    for (const group of [
      'X25519',
      'P-256',
      'P-384',
      'P-521',
      ...(hasHybridGroup() ? ['X25519MLKEM768'] : []),
    ]) {
      assert.equal((await offer(group)).getProtocol(), 'TLSv1.3', group)
    }
    for (const group of ['ffdhe2048', 'ffdhe8192']) await assert.rejects(offer(group), refused, group)
    assert.deepEqual(stand.errors, [])
  })

  test(`over ${way} a session is not resumed, because the key of its ticket would never change`, async t => {
    const stand = await Stand.set(t, new RecordingHost())
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const options = { minVersion: version, maxVersion: version }
      const first = await shakeHands(t, stand, way, options)
      let session: Buffer | undefined = first.getSession()
      first.on('session', (latest: Buffer) => (session = latest))
      // In TLS 1.3 tickets come after the handshake, and before the reply.
      if (way === 'implicit TLS') await within(once(first, 'data'), 'the greeting')
      else {
        first.write('NOOP\r\n')
        await within(once(first, 'data'), 'a reply')
      }
      assert.ok(session !== undefined)
      const second = await shakeHands(t, stand, way, { ...options, session })
      assert.equal(second.isSessionReused(), false, version)
    }
  })
}

test('a handshake without a common cipher is an error of the client', async t => {
  const events: ConnectionEvent[] = []
  const stand = await Stand.set(t, new RecordingHost(), { onEvent: event => void events.push(event) })
  for (const way of ways) await assert.rejects(shakeHands(t, stand, way, tls12('AES128-SHA')), refused)
  await stand.emptied()
  const ends = events.filter(event => event.type === 'closed').map(({ tls, reason }) => `${tls} ${reason}`)
  assert.deepEqual(ends, ['none errors', 'implicit errors'])
})

test('openssl s_client with a preference for static RSA gets ECDHE or an error', {
  skip: missingTool('openssl', 'version'),
}, async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const offer = (ciphers: string) =>
    runTool(
      'openssl',
      ['s_client', '-connect', `127.0.0.1:${stand.port}`, '-starttls', 'smtp', '-tls1_2', '-cipher', ciphers],
      'QUIT\r\n',
    )
  const agreed = await offer('AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256')
  assert.match(agreed.stdout, /Cipher is ECDHE-RSA-AES128-GCM-SHA256/)
  const none = await offer('AES128-SHA')
  assert.match(none.stdout, /Cipher is \(NONE\)/)
  assert.match(none.stderr, /alert handshake failure/)
})

test('a client that sends plaintext to an implicit TLS port is disconnected', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const wire = await SmtpClient.connect(stand.tlsPort)
  wire.say('EHLO client.test\r\nMAIL FROM:<a@example.org>\r\n')
  // TLS may send an alert; SMTP sends nothing.
  assert.doesNotMatch(await wire.rest(), /\d{3} /)
  await stand.emptied()
  assert.deepEqual(stand.errors, [])
})

test('TLS 1.1 is refused in the handshake, TLS 1.2 is not', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const handshake = (maxVersion: 'TLSv1.1' | 'TLSv1.2') => {
    const socket = connect({
      port: stand.tlsPort,
      host: '127.0.0.1',
      servername: 'relay.test',
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      maxVersion,
      // Otherwise OpenSSL would not offer it.
      ciphers: 'DEFAULT@SECLEVEL=0',
    })
    t.after(() => socket.destroy())
    return within(once(socket, 'secureConnect'), 'a TLS handshake')
  }
  await assert.rejects(handshake('TLSv1.1'), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' })
  await handshake('TLSv1.2')
  assert.deepEqual(stand.errors, [])
})

test('after STARTTLS the session starts again', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const wire = await stand.greeted()
  assert.equal((await wire.ask('AUTH PLAIN AHVzZXIAc2VjcmV0')).code, 235)
  await wire.ask('MAIL FROM:<a@example.org>')
  await wire.startTls()
  assert.equal((await wire.ask('MAIL FROM:<a@example.org>')).code, 503)
  const { text } = await wire.ask('EHLO client.test')
  assert.ok(text.includes('AUTH PLAIN') && !text.includes('STARTTLS'), text)
  assert.equal((await wire.mail('x\r\n')).code, 250)
})

test('plaintext commands after STARTTLS are never executed', async t => {
  const stand = await Stand.set(t, new RecordingHost())
  const wire = await stand.greeted()
  wire.say('STARTTLS\r\nMAIL FROM:<a@example.org>\r\n')
  const heard = await wire.rest()
  assert.doesNotMatch(heard, /250/)
  await stand.emptied()
})

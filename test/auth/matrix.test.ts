import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import {
  type AccessPolicy,
  AddressList,
  accessControl,
  mechanisms,
  requiresLogin,
} from '../../src/auth/index.ts'
import { defaultLimits, type Host, Session } from '../../src/protocol/index.ts'

/**
 * The matrix of the Go program's authentication, played through the engine: what is advertised, and what comes of it.
 * Where this program differs on purpose the name of the test says so.
 */

/** Of the word `password`. */
const bcryptHash = '$2y$10$85/eICRuwBwutrou64G5HeoF3Ek/qf1YKPLba7ckiMxUTAeLIeyaC'

/** Plays commands and gives the replies, joined where one has several lines. */
class Player {
  readonly #session: Session
  readonly #host: Pick<Host, 'connect' | 'login' | 'sender'>

  constructor(access: AccessPolicy, secure: boolean, address: string) {
    this.#host = accessControl(access)
    const settings = {
      hostname: 'relay.test',
      service: 'Test',
      tls: 'offered',
      authRequired: requiresLogin(access),
      mechanisms: mechanisms(access, 'relay.test'),
      allowPlaintextAuth: false,
      smtpUtf8: false,
      binaryMime: false,
      bareNewline: 'normalize',
      strictPipelining: false,
      limits: defaultLimits,
    } as const
    this.#session = new Session(settings, { address, secure })
  }

  async say(line = ''): Promise<string> {
    if (line !== '') this.#session.receive(Buffer.from(`${line}\r\n`))
    const { client } = this.#session
    for (let event = this.#session.next(); event !== undefined; event = this.#session.next()) {
      if (event.type === 'connect') this.#session.answer(await this.#host.connect?.(client))
      else if (event.type === 'login') this.#session.answer(await this.#host.login?.(event, client))
      else if (event.type === 'sender') this.#session.answer(await this.#host.sender?.(event, client))
    }
    return this.#session.takeOutput().trimEnd()
  }

  async login(mechanism: string, user: string, password: string): Promise<string> {
    if (mechanism === 'PLAIN') return this.say(`AUTH PLAIN ${base64(`\0${user}\0${password}`)}`)
    const challenge = await this.say(`AUTH ${mechanism}`)
    if (!challenge.startsWith('334 ')) return challenge
    if (mechanism === 'LOGIN') {
      await this.say(base64(user))
      return this.say(base64(password))
    }
    const text = Buffer.from(challenge.slice('334 '.length), 'base64').toString()
    return this.say(base64(`${user} ${createHmac('md5', password).update(text).digest('hex')}`))
  }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

async function connect(access: AccessPolicy, { secure = false, address = '127.0.0.1' } = {}) {
  const player = new Player(access, secure, address)
  const greeting = await player.say()
  const ehlo = await player.say('EHLO client.test')
  const advertised = /^250[- ]AUTH (.*)$/m.exec(ehlo)?.[1]?.trim().split(' ') ?? []
  return { player, greeting, advertised }
}

/** What a fresh connection hears when it logs in, by code and status. */
async function login(
  access: AccessPolicy,
  secure: boolean,
  mechanism: string,
  user: string,
  password: string,
) {
  const { player } = await connect(access, { secure })
  return /^\d{3}( \d\.\d\.\d)?/.exec(await player.login(mechanism, user, password))?.[0]
}

async function mail(access: AccessPolicy, secure = false): Promise<string> {
  const { player } = await connect(access, { secure })
  return player.say('MAIL FROM:<a@example.org>')
}

const plaintext = ['PLAIN', 'LOGIN']
const all = ['PLAIN', 'LOGIN', 'CRAM-MD5']

test('nothing configured: CRAM-MD5 without TLS, everything with it; AUTH is optional and takes anything', async () => {
  assert.deepEqual((await connect({})).advertised, ['CRAM-MD5'])
  assert.deepEqual((await connect({}, { secure: true })).advertised, all)
  assert.match(await mail({}), /^250 /)
  assert.equal(await login({}, false, 'CRAM-MD5', 'anybody', 'anything'), '235 2.7.0')
  for (const mechanism of all) {
    assert.equal(await login({}, true, mechanism, 'anybody', 'anything'), '235 2.7.0')
  }
})

test('-u and BCRYPT_HASH, with TLS: LOGIN and PLAIN, and they work', async () => {
  const access: AccessPolicy = { user: { name: 'username', bcryptHash } }
  assert.deepEqual((await connect(access, { secure: true })).advertised, plaintext)
  for (const mechanism of plaintext) {
    assert.equal(await login(access, true, mechanism, 'username', 'password'), '235 2.7.0')
    assert.equal(await login(access, true, mechanism, 'username', 'wrong'), '535 5.7.8')
    assert.equal(await login(access, true, mechanism, 'root', 'password'), '535 5.7.8')
  }
  assert.equal(await login(access, true, 'CRAM-MD5', 'username', 'password'), '504 5.5.4')
  assert.match(await mail(access, true), /^530 5\.7\.0 /)
})

test('-u and BCRYPT_HASH, without TLS: no AUTH line, and MAIL is answered 530', async () => {
  const access: AccessPolicy = { user: { name: 'username', bcryptHash } }
  assert.deepEqual((await connect(access)).advertised, [])
  assert.match(await mail(access), /^530 5\.7\.0 /)
})

test('-u and PASSWORD: CRAM-MD5 without TLS, everything with it, and it works', async () => {
  const access: AccessPolicy = { user: { name: 'username', password: 'password' } }
  assert.deepEqual((await connect(access)).advertised, ['CRAM-MD5'])
  assert.deepEqual((await connect(access, { secure: true })).advertised, all)
  assert.equal(await login(access, false, 'CRAM-MD5', 'username', 'password'), '235 2.7.0')
  assert.equal(await login(access, false, 'CRAM-MD5', 'username', 'wrong'), '535 5.7.8')
  for (const mechanism of all) {
    assert.equal(await login(access, true, mechanism, 'username', 'password'), '235 2.7.0')
    assert.equal(await login(access, true, mechanism, 'username', 'wrong'), '535 5.7.8')
  }
  assert.match(await mail(access), /^530 5\.7\.0 /)
})

test('-u, BCRYPT_HASH and PASSWORD: the hash for LOGIN and PLAIN, the password for CRAM-MD5', async () => {
  const access: AccessPolicy = { user: { name: 'username', bcryptHash, password: 'another' } }
  assert.deepEqual((await connect(access, { secure: true })).advertised, all)
  assert.equal(await login(access, true, 'PLAIN', 'username', 'password'), '235 2.7.0')
  assert.equal(await login(access, true, 'LOGIN', 'username', 'another'), '535 5.7.8')
  assert.equal(await login(access, false, 'CRAM-MD5', 'username', 'another'), '235 2.7.0')
  assert.equal(await login(access, false, 'CRAM-MD5', 'username', 'password'), '535 5.7.8')
})

test('-u only: unlike in the Go program, CRAM-MD5 with the empty password does not log in', async () => {
  const access: AccessPolicy = { user: { name: 'username' } }
  assert.deepEqual((await connect(access, { secure: true })).advertised, [])
  assert.equal(await login(access, false, 'CRAM-MD5', 'username', ''), '502 5.5.1')
  assert.match(await mail(access), /^530 5\.7\.0 /)
})

test('-i only: unlike in the Go program an address on the list sends without AUTH; AUTH takes anything', async () => {
  const access: AccessPolicy = { addresses: new AddressList('127.0.0.1') }
  assert.deepEqual((await connect(access)).advertised, ['CRAM-MD5'])
  assert.match(await mail(access), /^250 /)
  assert.equal(await login(access, false, 'CRAM-MD5', 'anybody', 'anything'), '235 2.7.0')
})

test('-i: unlike in the Go program, another address is rejected at once, and only QUIT is possible', async () => {
  const access: AccessPolicy = { addresses: new AddressList('127.0.0.1') }
  const { player, greeting } = await connect(access, { address: '192.0.2.1' })
  assert.match(greeting, /^554 5\.7\.1 /)
  assert.match(await player.say('MAIL FROM:<a@example.org>'), /^503 /)
  assert.match(await player.say('QUIT'), /^221 /)
})

test('-i and -u: both are needed', async () => {
  const access: AccessPolicy = {
    addresses: new AddressList('127.0.0.1'),
    user: { name: 'username', password: 'password' },
  }
  assert.match((await connect(access, { address: '192.0.2.1' })).greeting, /^554 /)
  assert.match(await mail(access), /^530 5\.7\.0 /)
  assert.equal(await login(access, false, 'CRAM-MD5', 'username', 'wrong'), '535 5.7.8')
  const { player } = await connect(access)
  await player.login('CRAM-MD5', 'username', 'password')
  assert.match(await player.say('MAIL FROM:<a@example.org>'), /^250 /)
})

test('unlike in the Go program, every failed login gets the same reply, which does not show whether the name exists', async () => {
  const access: AccessPolicy = { user: { name: 'username', bcryptHash, password: 'password' } }
  const heard = new Set<string>()
  for (const mechanism of all) {
    for (const name of ['username', 'root']) {
      const { player } = await connect(access, { secure: true })
      heard.add(await player.login(mechanism, name, 'wrong'))
    }
  }
  assert.deepEqual([...heard], ['535 5.7.8 Authentication credentials invalid'])
})

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { isBcryptHash, Password, PasswordHash } from '../../src/auth/index.ts'

/** Of the word `password`. */
const hash = '$2y$10$85/eICRuwBwutrou64G5HeoF3Ek/qf1YKPLba7ckiMxUTAeLIeyaC'

/** Lets everything run that waits for no more than a promise. */
const settled = () => new Promise(resolve => setImmediate(resolve))

test('bcrypt is loaded by the first login that needs it', async () => {
  const loaded = () => Object.keys(createRequire(import.meta.url).cache).some(path => path.includes('bcrypt'))
  new Password('password').matches('password')
  const passwordHash = new PasswordHash(hash)
  assert.equal(loaded(), false)
  await passwordHash.matches('password')
  assert.equal(loaded(), true)
})

for (const version of ['$2a$', '$2b$', '$2y$']) {
  test(`a ${version} hash matches its password and no other`, async () => {
    const passwordHash = new PasswordHash(version + hash.slice(4))
    assert.equal(await passwordHash.matches('passwort'), false)
    assert.equal(await passwordHash.matches('password'), true)
    assert.equal(await passwordHash.matches('password\0'), false)
    assert.equal(await passwordHash.matches(''), false)
  })
}

test('bcrypt leaves the event loop free', async () => {
  let turned = false
  setImmediate(() => (turned = true))
  await new PasswordHash(hash).matches('password')
  assert.equal(turned, true)
})

test('72 bytes of a longer password are verified, as by the program that made the hash', async () => {
  const { hashSync } = await import('@node-rs/bcrypt')
  const passwordHash = new PasswordHash(hashSync('x'.repeat(80), 4))
  assert.equal(await passwordHash.matches('x'.repeat(80)), true)
  assert.equal(await passwordHash.matches('x'.repeat(72)), true)
  assert.equal(await passwordHash.matches('x'.repeat(71)), false)
})

test('the hash of the latest right password is computed once, of a wrong one every time', async () => {
  const computed: string[] = []
  const passwordHash = new PasswordHash(hash, async password => {
    computed.push(password)
    return password === 'right'
  })
  for (const password of ['wrong', 'wrong', 'right', 'right', 'wrong', 'right', 'wrong']) {
    assert.equal(await passwordHash.matches(password), password === 'right')
  }
  assert.deepEqual(computed, ['wrong', 'wrong', 'right', 'wrong', 'wrong'])
})

test('a right password is remembered for five minutes', async () => {
  let computed = 0
  let now = 1
  const verify = async () => ++computed > 0
  const passwordHash = new PasswordHash(hash, verify, () => now)
  for (const [ms, count] of [
    [0, 1],
    [299_999, 1],
    [1, 2],
    [299_999, 2],
    [300_000, 3],
  ] as const) {
    now += ms
    assert.equal(await passwordHash.matches('right'), true)
    assert.equal(computed, count)
  }
})

test('for a burst of logins with one password, at most as many hashes are computed as run at the same time', async () => {
  let computed = 0
  const passwordHash = new PasswordHash(hash, async () => ++computed > 0)
  const answers = await Promise.all(Array.from({ length: 50 }, () => passwordHash.matches('right')))
  assert.deepEqual([new Set(answers), computed], [new Set([true]), 2])
})

test('a wrong password takes the time of the requested cost, with hashes that match nothing', async () => {
  const hashes: string[] = []
  const passwordHash = new PasswordHash(hash, async (password, hash) => {
    hashes.push(hash)
    return password === 'right'
  })
  assert.equal(await passwordHash.matches('wrong', 13), false)
  const unmatched = (cost: number) => `$2y$${cost}${hash.slice(6, 29)}${'.'.repeat(31)}`
  assert.deepEqual(hashes.splice(0), [hash, unmatched(10), unmatched(11), unmatched(12)])
  assert.equal(await passwordHash.matches('wrong', 9), false)
  assert.equal(await passwordHash.matches('right', 13), true)
  assert.deepEqual(hashes, [hash, hash])
})

test('if a hundred logins wait, the next one fails at once', async () => {
  let finish: (() => void)[] = []
  const passwordHash = new PasswordHash(hash, () => new Promise(resolve => finish.push(() => resolve(false))))
  const answers = Array.from({ length: 102 }, (_, n) => passwordHash.matches(`${n}`))
  await assert.rejects(passwordHash.matches('one more'), { message: '100 logins are waiting already' })
  while (finish.length > 0) {
    const ends = finish
    finish = []
    for (const end of ends) end()
    await settled()
  }
  assert.deepEqual(new Set(await Promise.all(answers)), new Set([false]))
})

test('two hashes are computed at the same time, the others in the order of the logins', async () => {
  let started: string[] = []
  let finish: (() => void)[] = []
  const passwordHash = new PasswordHash(hash, password => {
    started.push(password)
    return new Promise(resolve => finish.push(() => resolve(false)))
  })
  for (const round of ['first', 'second']) {
    started = []
    finish = []
    const answers = ['a', 'b', 'c', 'd'].map(password => passwordHash.matches(password))
    await settled()
    assert.deepEqual(started, ['a', 'b'], round)
    finish[1]!()
    await settled()
    assert.deepEqual(started, ['a', 'b', 'c'], round)
    finish[0]!()
    await settled()
    for (const end of finish) end()
    assert.deepEqual(await Promise.all(answers), [false, false, false, false])
    assert.deepEqual(started, ['a', 'b', 'c', 'd'], round)
  }
})

test('a hash that cannot be computed does not block the logins after it', async () => {
  const broken = new PasswordHash(hash, () => Promise.reject(new Error('broken')))
  await Promise.all(Array.from({ length: 5 }, () => assert.rejects(broken.matches('password'), /broken/)))
  assert.equal(await new PasswordHash(hash, async () => true).matches('password'), true)
})

test('the decoy of a hash has the same cost and matches nothing', async () => {
  const asked: string[] = []
  const decoy = new PasswordHash(hash, async (_, hash) => {
    asked.push(hash)
    return false
  }).decoy()
  await decoy.matches('password')
  assert.equal(asked[0]?.slice(0, 29), hash.slice(0, 29))
  assert.equal(isBcryptHash(asked[0] ?? ''), true)
  assert.equal(await new PasswordHash(hash).decoy().matches('password'), false)
})

test('a malformed hash is rejected before any login', () => {
  for (const text of [
    '',
    'password',
    `:${hash}`,
    `${hash}\n`,
    hash.slice(0, -1),
    `${hash}C`,
    hash.replace('$2y$', '$2x$'),
    hash.replace('$10$', '$03$'),
    hash.replace('$10$', '$32$'),
    hash.replace('$10$', '$4$'),
    // Bits beyond the salt and beyond the digest.
    hash.replace('Heo', 'Hfo'),
    hash.replace(/C$/, 'D'),
    '$6$rounds=5000$salt$hash',
  ]) {
    assert.equal(isBcryptHash(text), false, text)
    assert.throws(() => new PasswordHash(text), TypeError)
  }
})

test('a password matches only itself', () => {
  const password = new Password('password')
  assert.equal(password.matches('password'), true)
  for (const other of ['', 'passwor', 'password ', 'Password', 'password\0']) {
    assert.equal(password.matches(other), false)
  }
  assert.equal(Password.random().matches('password'), false)
})

test('a password verifies the digest of the example of RFC 2195', () => {
  const password = new Password('tanstaaftanstaaf')
  const challenge = '<1896.697170952@postoffice.reston.mci.net>'
  const digest = Buffer.from('b913a602c7eda7a495b4e6e7334d3890', 'hex')
  assert.equal(password.verifyHmac(challenge, digest), true)
  assert.equal(password.verifyHmac('<another@postoffice.reston.mci.net>', digest), false)
  assert.equal(new Password('tanstaaf').verifyHmac(challenge, digest), false)
})

test('a digest of another length is wrong', () => {
  const digest = createHmac('md5', 'secret').update('challenge').digest()
  const password = new Password('secret')
  assert.equal(password.verifyHmac('challenge', digest), true)
  for (const wrong of [Buffer.alloc(0), digest.subarray(1), Buffer.concat([digest, digest])]) {
    assert.equal(password.verifyHmac('challenge', wrong), false)
  }
})

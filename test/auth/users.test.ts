import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { Password, PasswordHash } from '../../src/auth/index.ts'
import { Users } from '../../src/auth/users.ts'
import type { Credentials } from '../../src/protocol/index.ts'

const hashOfCost = (cost: number) =>
  `$2y$${String(cost).padStart(2, '0')}$85/eICRuwBwutrou64G5HeoF3Ek/qf1YKPLba7ckiMxUTAeLIeyaC`

/** Users with hashes of these costs, and the time of their logins, with the time of cost 4 as 1. */
function usersOf(costs: Readonly<Record<string, number>>) {
  const clock = { time: 0 }
  const verify = async (password: string, hash: string) => {
    clock.time += 2 ** (Number(hash.slice(4, 6)) - 4)
    return password === 'right' && !hash.endsWith('.'.repeat(31))
  }
  const users = Object.entries(costs).map(([name, cost]) => ({
    name,
    hash: new PasswordHash(hashOfCost(cost), verify),
  }))
  const timeOf = async (users: Users, credentials: Credentials) => {
    clock.time = 0
    const right = await users.verify(credentials)
    return { right, time: clock.time }
  }
  return { users, timeOf }
}

const login = (username: string, password: string): Credentials => ({ type: 'password', username, password })

test("a failed login takes as long as the slowest hash, for every name, whatever the user's own hash costs", async () => {
  const costs = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 4, max: 17 }), {
    minKeys: 1,
  })
  await fc.assert(
    fc.asyncProperty(costs, async costs => {
      const { users, timeOf } = usersOf(costs)
      const slowest = 2 ** (Math.max(...Object.values(costs)) - 4)
      for (const name of ['a', 'b', 'c', 'd', 'nobody']) {
        assert.deepEqual(await timeOf(new Users(users), login(name, 'wrong')), {
          right: false,
          time: slowest,
        })
      }
    }),
    { numRuns: 200 },
  )
})

test('a failed login needs one permit, however many hashes fill up its time', async () => {
  const finish: (() => void)[] = []
  let computed = 0
  const verify = () => {
    computed++
    return new Promise<boolean>(resolve => finish.push(() => resolve(false)))
  }
  const users = new Users([
    { name: 'cheap', hash: new PasswordHash(hashOfCost(10), verify) },
    { name: 'dear', hash: new PasswordHash(hashOfCost(12), verify) },
  ])
  const answers = ['cheap', 'cheap', 'dear'].map(name => users.verify(login(name, 'wrong')))
  const started: number[] = []
  while (computed < 7) {
    await new Promise(resolve => setImmediate(resolve))
    started.push(computed)
    finish.splice(0, 1).map(end => end())
  }
  // Two have the turns until each has computed its three hashes; the third waits until one of them has its answer.
  assert.deepEqual(started.slice(0, 2), [2, 3])
  for (const end of finish) end()
  assert.deepEqual(await Promise.all(answers), [false, false, false])
})

test('the time of a user without a hash is filled up, too', async () => {
  const { users, timeOf } = usersOf({ b: 6 })
  const all = new Users([...users, { name: 'a', password: new Password('secret') }])
  assert.deepEqual(await timeOf(all, login('a', 'wrong')), { right: false, time: 4 })
  assert.deepEqual(await timeOf(all, login('a', 'secret')), { right: true, time: 0 })
  assert.deepEqual(await timeOf(all, login('nobody', 'right')), { right: false, time: 4 })
})

test('every digest is answered at once, and the digest of a user with only a hash is wrong', async () => {
  const { users, timeOf } = usersOf({ b: 6 })
  const all = new Users([...users, { name: 'a', password: new Password('secret') }])
  const digest = (username: string, password: string): Credentials => {
    const challenge = '<1@relay.test>'
    return {
      type: 'digest',
      username,
      challenge,
      digest: createHmac('md5', password).update(challenge).digest(),
    }
  }
  assert.deepEqual(await timeOf(all, digest('a', 'secret')), { right: true, time: 0 })
  for (const [name, password] of [
    ['a', 'wrong'],
    ['b', 'right'],
    ['b', ''],
    ['nobody', ''],
  ] as const) {
    assert.deepEqual(await timeOf(all, digest(name, password)), { right: false, time: 0 })
  }
})

test('without users, no login succeeds', async () => {
  const none = new Users([])
  for (const password of ['', 'x']) assert.equal(await none.verify(login('a', password)), false)
  assert.equal(none.get('a'), undefined)
})

test('names of properties that every object has are unknown', async () => {
  const { users } = usersOf({ a: 4 })
  const all = new Users(users)
  for (const name of ['__proto__', 'constructor', 'toString']) {
    assert.equal(all.get(name), undefined)
    assert.equal(await all.verify(login(name, 'right')), false)
  }
})

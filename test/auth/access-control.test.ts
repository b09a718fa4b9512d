import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import {
  type AccessControlOptions,
  type AccessEvent,
  type AccessFailure,
  type AccessPolicy,
  AddressList,
  accessControl,
  mechanisms,
  parseUsers,
  reasonOf,
  requiresLogin,
  type UsersByName,
} from '../../src/auth/index.ts'
import type { HostReply } from '../../src/protocol/events.ts'
import type { Client } from '../../src/protocol/host.ts'
import { replies } from '../../src/protocol/replies.ts'
import type { Credentials } from '../../src/protocol/sasl.ts'
import type { EventHandler } from '../../src/support/emit.ts'

/** Of the word `password`. */
const bcryptHash = '$2y$10$85/eICRuwBwutrou64G5HeoF3Ek/qf1YKPLba7ckiMxUTAeLIeyaC'
const client: Client = {
  address: '127.0.0.1',
  name: 'client.test',
  extended: true,
  secure: true,
  user: undefined,
}
const anybody: AccessPolicy = {}
const hashed: AccessPolicy = { user: { name: 'username', bcryptHash } }
const clear: AccessPolicy = { user: { name: 'username', password: 'password' } }
const both: AccessPolicy = { user: { name: 'username', bcryptHash, password: 'another' } }

function password(username: string, password: string, authorizationId?: string): Credentials {
  return {
    type: 'password',
    username,
    password,
    ...(authorizationId === undefined ? {} : { authorizationId }),
  }
}

function digest(username: string, password: string): Credentials {
  const challenge = '<1896.697170952@relay.test>'
  return {
    type: 'digest',
    username,
    challenge,
    digest: createHmac('md5', password).update(challenge).digest(),
  }
}

/** Collects the failures. */
function keep(failures: AccessFailure[]): EventHandler<AccessEvent> {
  return ({ client: _, ...event }) => {
    if (event.type !== 'loggedIn') failures.push(event)
  }
}

async function ask(
  policy: AccessPolicy,
  credentials: Credentials,
  options: AccessControlOptions = {},
  from = client,
) {
  const failures: AccessFailure[] = []
  const access = accessControl(policy, { onEvent: keep(failures), ...options })
  const mechanism = credentials.type === 'digest' ? 'CRAM-MD5' : 'PLAIN'
  const reply: HostReply = await access.login({ type: 'login', mechanism, credentials }, from)
  return { reply, failure: failures[0]?.type, failures }
}

const consent = { reply: undefined, failure: undefined, failures: [] }

test('without a user any credentials are accepted', async () => {
  for (const credentials of [
    password('anybody', 'anything'),
    password('a', 'b', 'c'),
    digest('anybody', 'x'),
  ]) {
    assert.deepEqual(await ask(anybody, credentials), consent)
  }
})

test('without a user the answer needs no promise', () => {
  const question = { type: 'login', mechanism: 'PLAIN', credentials: password('a', 'b') } as const
  assert.equal(accessControl(anybody).login(question, client), undefined)
})

test('the user logs in with the password of the hash', async () => {
  assert.deepEqual(await ask(hashed, password('username', 'password')), consent)
})

test('the user logs in from an IPv6 address', async () => {
  const from = { ...client, address: '2001:4860:0:2001::68' }
  assert.deepEqual(await ask(hashed, password('username', 'password'), {}, from), consent)
})

test('the user logs in with a plaintext password from the configuration, with a digest too', async () => {
  assert.deepEqual(await ask(clear, password('username', 'password')), consent)
  assert.deepEqual(await ask(clear, digest('username', 'password')), consent)
})

test('with a hash and a password, the hash verifies passwords and the password verifies digests', async () => {
  assert.deepEqual(await ask(both, password('username', 'password')), consent)
  assert.deepEqual(await ask(both, digest('username', 'another')), consent)
  for (const credentials of [password('username', 'another'), digest('username', 'password')]) {
    const { reply, failure } = await ask(both, credentials)
    assert.deepEqual([reply, failure], [replies.badCredentials, 'wrongPassword'])
  }
})

for (const [what, access, credentials, reason] of [
  ['a wrong password, held against a hash', hashed, password('username', 'wrong'), 'wrongPassword'],
  ['a wrong password', clear, password('username', 'wrong'), 'wrongPassword'],
  ['a digest of a wrong password', clear, digest('username', 'wrong'), 'wrongPassword'],
  ['a digest where there is a hash only', hashed, digest('username', 'password'), 'wrongPassword'],
  ['a wrong user, held against a hash', hashed, password('root', 'password'), 'unknownUser'],
  ['a wrong user', clear, password('root', 'password'), 'unknownUser'],
  ['a digest of a wrong user', clear, digest('root', 'password'), 'unknownUser'],
  ['a user in other letters', clear, password('Username', 'password'), 'unknownUser'],
  ['another user to act as', hashed, password('username', 'password', 'root'), 'authorizationDenied'],
  [
    'another user to act as, with a plaintext password',
    clear,
    password('username', 'password', 'root'),
    'authorizationDenied',
  ],
  [
    'a wrong password of a user that wants to act as another user',
    clear,
    password('username', 'x', 'root'),
    'wrongPassword',
  ],
] as const) {
  test(`rejected with 535 5.7.8: ${what}`, async () => {
    const { reply, failure } = await ask(access, credentials)
    assert.deepEqual([reply?.code, reply?.status, failure], [535, '5.7.8', reason])
  })
}

test('a user may name itself as the authorization identity', async () => {
  assert.deepEqual(await ask(clear, password('username', 'password', 'username')), consent)
})

test('an empty password never logs in, whether there is no secret or an empty one', async () => {
  for (const secrets of [{}, { password: '' }, { bcryptHash: '' }, { bcryptHash: '', password: '' }]) {
    const access: AccessPolicy = { user: { name: 'username', ...secrets } }
    for (const credentials of [digest('username', ''), password('username', '')]) {
      assert.equal((await ask(access, credentials)).reply, replies.badCredentials)
    }
    assert.deepEqual(mechanisms(access, 'relay.test'), [])
  }
  assert.equal((await ask(clear, digest('username', ''))).reply, replies.badCredentials)
})

test('an unknown user costs a hash of the same cost, even with a password that was right before', async () => {
  const hashes: string[] = []
  const verifyHash = async (password: string, hash: string) => {
    hashes.push(hash)
    return hash === bcryptHash && password === 'password'
  }
  const { login } = accessControl(hashed, { verifyHash })
  for (const credentials of [password('username', 'password'), password('root', 'password')]) {
    await login({ type: 'login', mechanism: 'PLAIN', credentials }, client)
  }
  assert.deepEqual(hashes, [bcryptHash, `${bcryptHash.slice(0, 29)}${'.'.repeat(31)}`])
})

test('the reason goes to the log, the password does not', async () => {
  const secret = 'hunter2'
  for (const access of [hashed, clear]) {
    for (const credentials of [
      password('root', secret),
      password('username', secret),
      digest('root', secret),
    ]) {
      const { failures } = await ask(access, credentials)
      assert.equal(failures.length, 1)
      assert.deepEqual(Object.keys(failures[0] ?? {}).sort(), ['mechanism', 'type', 'username'])
      assert.equal(JSON.stringify(failures).includes(secret), false)
    }
  }
})

test('a hash that cannot be computed is a temporary failure, for unknown users too', async () => {
  const error = new Error('no binding')
  const verifyHash = () => Promise.reject(error)
  for (const name of ['username', 'root']) {
    const { reply, failures } = await ask(hashed, password(name, 'password'), { verifyHash })
    assert.deepEqual([reply?.code, reply?.status], [454, '4.7.0'])
    assert.deepEqual(failures, [{ type: 'verifyFailed', mechanism: 'PLAIN', username: name, error }])
  }
})

test('a malformed hash is an error when access control is created', () => {
  assert.throws(() => accessControl({ user: { name: 'username', bcryptHash: 'password' } }), TypeError)
})

/** Users of a file; the password of each is `password`. */
function usersOf(text: string): Promise<UsersByName> {
  const compile = async (source: string) => (sender: string) => new RegExp(source).test(sender)
  return parseUsers(Buffer.from(`${text.trimEnd()}\n`.replaceAll('HASH', bcryptHash)), {
    path: 'users',
    compile,
  })
}

const fromHere: AccessPolicy = { addresses: new AddressList('127.0.0.1, 10.0.0.0/8') }

test('an address that is not in the list is rejected with 554 5.7.1, with an event', async () => {
  const failures: AccessFailure[] = []
  const access = accessControl(fromHere, { onEvent: keep(failures) })
  assert.equal(await access.connect?.(client), undefined)
  assert.deepEqual(failures, [])
  const reply = await access.connect?.({ ...client, address: '192.0.2.1' })
  assert.deepEqual([reply?.code, reply?.status], [554, '5.7.1'])
  assert.deepEqual(failures, [{ type: 'addressNotAllowed' }])
  // A health check gets the same reply, without an event.
  assert.deepEqual(await access.connect?.({ ...client, address: '192.0.2.1', healthCheck: true }), reply)
  assert.equal(failures.length, 1)
})

test('without a list, addresses are not checked', () => {
  for (const access of [anybody, hashed]) assert.equal(accessControl(access).connect, undefined)
})

test('a list alone requires no login, and takes any credentials', async () => {
  assert.equal(requiresLogin(fromHere), false)
  assert.deepEqual(await ask(fromHere, password('anybody', 'anything')), consent)
})

test('with a list and a user, a client needs both', async () => {
  const access: AccessPolicy = { ...fromHere, ...hashed }
  assert.equal(requiresLogin(access), true)
  const reply = await accessControl(access).connect?.({ ...client, address: '192.0.2.1' })
  assert.equal(reply?.code, 554)
  assert.deepEqual(await ask(access, password('username', 'password')), consent)
  assert.equal((await ask(access, password('username', 'wrong'))).failure, 'wrongPassword')
})

test('users of a file log in, and with them the one user', async () => {
  const users = await usersOf('alice:HASH\nbob:HASH')
  for (const [access, names] of [
    [{ users: { current: () => users } }, ['alice', 'bob']],
    [{ users: { current: async () => users }, user: clear.user }, ['alice', 'bob', 'username']],
  ] as const) {
    for (const name of names) {
      assert.deepEqual(await ask(access, password(name, 'password')), consent)
      assert.equal((await ask(access, password(name, 'wrong'))).failure, 'wrongPassword')
    }
    assert.equal((await ask(access, password('root', 'password'))).failure, 'unknownUser')
    assert.equal((await ask(access, digest('alice', 'password'))).failure, 'wrongPassword')
  }
})

test('a password that was changed in the file stops working at once, although it was right before', async () => {
  const hashes: string[] = []
  const verifyHash = async (password: string, hash: string) => {
    hashes.push(hash)
    return hash === bcryptHash && password === 'password'
  }
  const reading = { path: 'users', compile: async () => () => true, verifyHash }
  const other = bcryptHash.replace('HeoF', 'HeoG')
  let users = await parseUsers(Buffer.from(`alice:${bcryptHash}\n`), reading)
  const { login } = accessControl({ users: { current: () => users } })
  const question = { type: 'login', mechanism: 'PLAIN', credentials: password('alice', 'password') } as const
  assert.equal(await login(question, client), undefined)
  assert.equal(await login(question, client), undefined)
  assert.deepEqual(hashes, [bcryptHash])
  users = await parseUsers(Buffer.from(`alice:${other}\n`), reading)
  assert.equal(await login(question, client), replies.badCredentials)
  users = await parseUsers(Buffer.from(`bob:${bcryptHash}\n`), reading)
  assert.equal(await login(question, client), replies.badCredentials)
})

/** Returns the reply to MAIL of a user, and the failures. */
async function sendAs(policy: AccessPolicy, user: string, address: string) {
  const failures: AccessFailure[] = []
  const access = accessControl(policy, { onEvent: keep(failures) })
  const question = { type: 'sender', address, parameters: new Map() } as const
  const reply = await access.sender?.(question, { ...client, user })
  return { code: reply?.code, status: reply?.status, failures }
}

test('a user with an expression may send from the addresses that it matches; others are rejected, with an event', async () => {
  const users = await usersOf('alice:HASH:@a\\.example$\nbob:HASH')
  const allowed = { code: undefined, status: undefined, failures: [] }
  for (const current of [() => users, async () => users]) {
    const access: AccessPolicy = { users: { current }, ...clear }
    for (const [user, address] of [
      ['alice', 'x@a.example'],
      ['bob', 'x@b.example'],
      ['bob', ''],
      ['username', 'x@b.example'],
    ] as const) {
      assert.deepEqual(await sendAs(access, user, address), allowed)
    }
    assert.deepEqual(await sendAs(access, 'alice', 'x@b.example'), {
      code: 550,
      status: '5.7.1',
      failures: [{ type: 'senderNotAllowed', username: 'alice', sender: 'x@b.example' }],
    })
  }
})

test('the null sender is the empty text for the expression of a user', async () => {
  const users = await usersOf('alice:HASH:@a$\nbob:HASH:^$|@b$')
  const access: AccessPolicy = { users: { current: () => users } }
  assert.equal((await sendAs(access, 'alice', '')).code, 550)
  assert.equal((await sendAs(access, 'bob', '')).code, undefined)
})

test('a user that is no longer in the file may not send any more, even in a session that goes on', async () => {
  const users = await usersOf('alice:HASH')
  assert.equal((await sendAs({ users: { current: () => users } }, 'bob', 'x@b')).code, 550)
})

test('without a users file, senders are not checked', () => {
  for (const access of [anybody, hashed, fromHere]) assert.equal(accessControl(access).sender, undefined)
})

test('the reasons are sentences for the log', () => {
  const login = { mechanism: 'PLAIN', username: 'bob' }
  for (const [failure, reason] of [
    [{ type: 'addressNotAllowed' }, 'Invalid client IP: 10.0.0.1'],
    [{ type: 'unknownUser', ...login }, 'Invalid username: bob'],
    [{ type: 'wrongPassword', ...login }, 'Invalid password of user: bob'],
    [
      { type: 'authorizationDenied', ...login, authorizationId: 'root' },
      'Invalid identity: user bob may not act as root',
    ],
    [
      { type: 'verifyFailed', ...login, error: new Error('no binding') },
      'Cannot verify a password: no binding',
    ],
    [{ type: 'verifyFailed', ...login, error: 'x' }, 'Cannot verify a password: x'],
    [
      { type: 'senderNotAllowed', username: 'bob', sender: 'a@b' },
      'denied sender: user bob may not send as a@b',
    ],
    [
      { type: 'senderNotAllowed', username: 'bob', sender: '' },
      'denied sender: user bob may not send as the null sender',
    ],
  ] as const satisfies readonly (readonly [AccessFailure, string])[]) {
    assert.equal(reasonOf(failure, '10.0.0.1'), reason)
  }
})

test('access control can be spread into a host', async () => {
  const { login } = { ...accessControl(clear) }
  const question = {
    type: 'login',
    mechanism: 'PLAIN',
    credentials: password('username', 'password'),
  } as const
  assert.equal(await login(question, client), undefined)
})

test('mechanisms are those that can succeed, in the order of EHLO', () => {
  const offered = (access: AccessPolicy) => mechanisms(access, 'relay.test').map(({ name }) => name)
  assert.deepEqual(offered(anybody), ['PLAIN', 'LOGIN', 'CRAM-MD5'])
  assert.deepEqual(offered(hashed), ['PLAIN', 'LOGIN'])
  assert.deepEqual(offered(clear), ['PLAIN', 'LOGIN', 'CRAM-MD5'])
  assert.deepEqual(offered(both), ['PLAIN', 'LOGIN', 'CRAM-MD5'])
  const users = { current: () => new Map() }
  assert.deepEqual(offered({ users }), ['PLAIN', 'LOGIN'])
  assert.deepEqual(offered({ users, ...clear }), ['PLAIN', 'LOGIN', 'CRAM-MD5'])
})

test('the challenge of CRAM-MD5 contains the host name', () => {
  const step = mechanisms(clear, 'relay.test').at(-1)?.start().step(undefined)
  assert.match(step?.type === 'challenge' ? step.challenge.toString() : '', /@relay\.test>$/)
})

test('a login is required if there is a user or a users file', () => {
  const users: AccessPolicy = { users: { current: () => new Map() } }
  assert.deepEqual([anybody, hashed, clear, users].map(requiresLogin), [false, true, true, true])
})

test('every login emits an event with its mechanism, and a handler that throws does not change the reply', async () => {
  for (const access of [anybody, clear]) {
    const events: AccessEvent[] = []
    const { login } = accessControl(access, { onEvent: event => void events.push(event) })
    const question = {
      type: 'login',
      mechanism: 'PLAIN',
      credentials: password('username', 'password'),
    } as const
    assert.equal(await login(question, client), undefined)
    assert.deepEqual(events, [{ type: 'loggedIn', mechanism: 'PLAIN', username: 'username', client }])
  }
  const broken = () => {
    throw new Error('broken')
  }
  const { login } = accessControl(clear, { onEvent: broken })
  const ask = (secret: string) =>
    login({ type: 'login', mechanism: 'PLAIN', credentials: password('username', secret) }, client)
  assert.equal(await ask('password'), undefined)
  assert.equal(await ask('wrong'), replies.badCredentials)
})

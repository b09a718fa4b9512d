import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostReply } from '../../src/protocol/events.ts'
import type { Client } from '../../src/protocol/host.ts'
import type { Delivery } from '../../src/relay/events.ts'
import { compileRules, type FilterRules, filter } from '../../src/relay/filter.ts'
import { keepDeliveries } from './deliveries.ts'

const time = new Date('2026-11-22T01:02:03.000Z')

test('without rules every address is allowed', async () => {
  const { mail, rcpt, log } = await filterWith({})
  assert.deepEqual([mail(''), mail('alice@example.org'), rcpt('bob@example.org')], ['yes', 'yes', 'yes'])
  assert.deepEqual(log, [])
})

test('a sender that does not match is rejected, and logged in the words of the Go program', async () => {
  const { mail, log } = await filterWith({ allowFrom: '@example\\.org$' }, { user: 'alice' })
  assert.equal(mail('alice@example.org'), 'yes')
  assert.equal(mail('mallory@example.com'), '550 5.7.1 This sender is not allowed here')
  assert.deepEqual(log, [
    {
      time,
      ip: '192.0.2.7',
      from: 'mallory@example.com',
      to: [],
      error: 'denied sender: sender does not match the allowed emails regexp',
      rejected: 'sender',
      user: 'alice',
    },
  ])
})

test('the null sender is tested as the empty text', async () => {
  assert.match((await filterWith({ allowFrom: '@' })).mail(''), /^550/)
  assert.equal((await filterWith({ allowFrom: '^$|@' })).mail(''), 'yes')
})

test('a recipient that is denied is rejected, and the others are not', async () => {
  const { mail, rcpt, log } = await filterWith({ denyTo: '^admin@' })
  mail('alice@example.org')
  assert.equal(rcpt('admin@example.org'), '550 5.7.1 Mail to this recipient is not allowed here')
  assert.equal(rcpt('bob@example.org'), 'yes')
  assert.deepEqual(log, [
    {
      time,
      ip: '192.0.2.7',
      from: 'alice@example.org',
      to: ['admin@example.org'],
      error: 'denied recipients: recipients match the denied emails regexp',
      rejected: 'recipient',
    },
  ])
})

test('a recipient that is not allowed is rejected', async () => {
  const { mail, rcpt, log } = await filterWith({ allowTo: '@example\\.org$' })
  mail('alice@example.org')
  assert.equal(rcpt('bob@example.org'), 'yes')
  assert.match(rcpt('bob@example.com'), /^550 5\.7\.1 /)
  assert.equal(log[0]!.error, 'denied recipients: recipients do not match the allowed emails regexp')
})

test('the rule for denied recipients takes precedence', async () => {
  const { rcpt } = await filterWith({ allowTo: '@example\\.org$', denyTo: '^admin@' })
  assert.deepEqual([rcpt('bob@example.org'), rcpt('admin@example.org').slice(0, 3)], ['yes', '550'])
})

test('a denied recipient is logged with the sender of the message', async () => {
  const { mail, rcpt, log } = await filterWith({ denyTo: 'x' })
  mail('first@example.org')
  rcpt('x@example.org')
  mail('')
  rcpt('x@example.org')
  assert.deepEqual(
    log.map(({ from }) => from),
    ['first@example.org', ''],
  )
})

test('a handler that throws does not turn a rejection into an acceptance', async () => {
  const rules = await compileRules({ denyTo: 'x' })
  const host = filter(rules, () => {
    throw new Error('no log')
  })
  const verdict = host.recipient(
    { type: 'recipient', sender: '', address: 'x', parameters: new Map() },
    clientAs({}),
  )
  assert.equal((verdict as { code: number }).code, 550)
})

test('an expression matches anywhere, with the case and the syntax of RE2', async () => {
  const matches = async (denyTo: string, address: string) =>
    (await filterWith({ denyTo })).rcpt(address) !== 'yes'
  assert.equal(await matches('ob@', 'bob@example.org'), true)
  assert.equal(await matches('BOB', 'bob@example.org'), false)
  assert.equal(await matches('(?i)BOB', 'bob@example.org'), true)
  assert.equal(await matches('\\Abob@(?P<host>\\S+)\\z', 'bob@example.org'), true)
  assert.equal(await matches('[[:digit:]]', 'bob7@example.org'), true)
})

const broken: readonly (readonly [FilterRules<string>, string])[] = [
  [{ allowFrom: '(' }, 'Allowed sender emails: error parsing regexp: missing closing ): `(`'],
  [
    { denyTo: '*' },
    'Denied recipient emails: error parsing regexp: missing argument to repetition operator: `*`',
  ],
  [
    { allowTo: '[z-a]' },
    'Allowed recipient emails: error parsing regexp: invalid character class range: `z-a`',
  ],
  // What RE2 leaves out, because it could not be matched in linear time.
  [
    { allowFrom: '(?=a)' },
    'Allowed sender emails: error parsing regexp: invalid or unsupported Perl syntax: `(?=`',
  ],
]
for (const [sources, message] of broken) {
  test(`${JSON.stringify(sources)} is an error at the start: ${message}`, async () => {
    await assert.rejects(compileRules(sources), { name: 'Error', message })
  })
}

test('an empty expression counts as none', async () => {
  assert.deepEqual(await compileRules({ allowFrom: '', denyTo: '', allowTo: undefined }), {})
})

test('an address that was made to slow down the expression does not', async () => {
  const { rcpt } = await filterWith({ denyTo: '^(([a-z])+.)+[A-Z]([a-z])+$' })
  const begun = performance.now()
  for (let n = 0; n < 100; n++) rcpt('a'.repeat(320))
  assert.ok(performance.now() - begun < 1000)
})

async function filterWith(sources: FilterRules<string>, facts: Partial<Client> = {}) {
  const log: Delivery[] = []
  const host = filter(await compileRules(sources), keepDeliveries(log), () => time)
  const client = clientAs(facts)
  const parameters = new Map()
  let sender = ''
  return {
    log,
    mail(address: string) {
      sender = address
      return heard(host.sender({ type: 'sender', address, parameters }, client))
    },
    rcpt: (address: string) =>
      heard(host.recipient({ type: 'recipient', sender, address, parameters }, client)),
  }
}

function clientAs(facts: Partial<Client>): Client {
  const defaults = { address: '192.0.2.7', name: 'x', extended: true, secure: false, user: undefined }
  return { ...defaults, ...facts }
}

function heard(verdict: HostReply | Promise<HostReply>): string {
  assert.ok(!(verdict instanceof Promise))
  return verdict === undefined ? 'yes' : `${verdict.code} ${verdict.status} ${verdict.text}`
}

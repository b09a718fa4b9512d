import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FailedLogins } from '../../src/protocol/failed-logins.ts'

const mechanisms = ['PLAIN', 'LOGIN', 'CRAM-MD5'] as const

/** The number of attempts that these failures count as, each a mechanism and a user name. */
function attempts(...failures: readonly (readonly [mechanism: string, username: string])[]): number {
  const failed = new FailedLogins()
  for (const [mechanism, username] of failures) failed.add(mechanism, username)
  return failed.attempts
}

test('one user name with every mechanism is one attempt, in any order', () => {
  for (const first of mechanisms) {
    const others = mechanisms.filter(mechanism => mechanism !== first)
    for (const order of [
      [first, ...others],
      [first, ...others.toReversed()],
    ])
      assert.equal(attempts(...order.map(mechanism => [mechanism, 'tim'] as const)), 1)
  }
})

test('a repeated mechanism begins a new attempt, to which the other mechanisms belong', () => {
  assert.equal(attempts(['PLAIN', 'tim'], ['PLAIN', 'tim'], ['LOGIN', 'tim']), 2)
  assert.equal(attempts(['PLAIN', 'tim'], ['LOGIN', 'tim'], ['LOGIN', 'tim'], ['PLAIN', 'tim']), 2)
})

test('another user name is a new attempt, and so is the first name after it', () => {
  assert.equal(attempts(['PLAIN', 'tim'], ['LOGIN', 'tom'], ['CRAM-MD5', 'tim']), 3)
  assert.equal(attempts(['PLAIN', ''], ['LOGIN', 'tim']), 2)
})

test('only the first 64 characters of a user name are kept', () => {
  const long = 'x'.repeat(64)
  assert.equal(attempts(['PLAIN', `${long}1`], ['LOGIN', `${long}2`]), 1)
  assert.equal(attempts(['PLAIN', `${long}1`], ['PLAIN', `${long}2`]), 2)
  assert.equal(attempts(['PLAIN', `${long.slice(1)}1`], ['LOGIN', `${long.slice(1)}2`]), 2)
})

test('an attempt has at most one failure for each mechanism', () => {
  const names = ['tim', 'tom', 'x'.repeat(9_000)]
  for (let seed = 1, n = 0; n < 10_000; n++) {
    const failed = new FailedLogins()
    let failures = 0
    while (failed.attempts < 3) {
      seed = (seed * 48_271) % 2_147_483_647
      failed.add(mechanisms[seed % 3]!, names[seed % 7 < 5 ? 0 : (seed % 2) + 1]!)
      failures++
    }
    // The third attempt is over with its first failure.
    assert.ok(failures >= 3 && failures <= 2 * mechanisms.length + 1, `${failures} failures`)
  }
})

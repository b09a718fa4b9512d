import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HalfDelivered, type Memory } from '../../src/relay/half-delivered.ts'
import { mailTo, people } from './backend.ts'
import { FastClock } from './fast-clock.ts'

const mail = mailTo(people(2))
const [first] = people(1)

test('who has the mail is known the next time, and no more after it was whole', async () => {
  const { half, tries } = memory()
  await half('a')
  await half('a')
  await tries.whole('a')
  await half('a')
  assert.deepEqual(tries.known, [[], [first], [first], []])
})

test('a mail that nobody has is not remembered', async () => {
  const { memory: halfDelivered } = memory()
  const failure = new Error('no')
  await assert.rejects(
    halfDelivered.deliver(mail, async () => {
      throw failure
    }),
    failure,
  )
  assert.equal(halfDelivered.size, 0)
})

test('only so many mails are remembered: the one tried longest ago is forgotten', async () => {
  const { memory: halfDelivered, half, tries } = memory({ maxMails: 2 })
  for (const text of ['a', 'b', 'a', 'c']) await half(text)
  assert.equal(halfDelivered.size, 2)
  for (const text of ['a', 'b', 'c']) await tries.whole(text)
  assert.deepEqual(tries.known.slice(4), [[first], [], [first]])
})

test('a mail is remembered only so long after its last try', async () => {
  const { half, tries, clock } = memory({ maxAgeMs: 1000 })
  await half('a')
  clock.pass(900)
  await half('a')
  clock.pass(900)
  await half('a')
  clock.pass(1100)
  await tries.whole('a')
  assert.deepEqual(tries.known, [[], [first], [first], []])
})

test('what its passage throws before it waits is its failure, and the next one is not held up', async () => {
  const { memory: halfDelivered } = memory()
  const failure = new Error('no')
  await assert.rejects(
    halfDelivered.deliver(mail, () => {
      throw failure
    }),
    failure,
  )
  assert.deepEqual(await halfDelivered.deliver(mail, async () => ({ messageId: 'a' })), { messageId: 'a' })
})

test('how the content was cut makes no difference, nor does the Received header', async () => {
  const { memory: halfDelivered, half, tries } = memory()
  await half('Subject: x')
  const known: string[][] = []
  const content = ['other', 'Sub', 'ject: x'].map(text => Buffer.from(text))
  await halfDelivered.deliver({ ...mail, content }, async accepted => {
    known.push([...accepted])
    return {}
  })
  assert.deepEqual([...tries.known, ...known], [[], [first]])
})

test('addresses that are one text together are still other addresses', async () => {
  const { memory: halfDelivered, tries } = memory()
  const base = mailTo(['a@b.c', 'd@e.f'])
  await tries.half({ ...base, recipients: ['a@b.c', 'd@e.f'] })
  await tries.half({ ...base, recipients: ['a@b.c","d@e.f'] })
  await tries.half({ ...base, sender: '', recipients: ['alice@example.org', 'a@b.c', 'd@e.f'] })
  assert.deepEqual(tries.known, [[], [], []])
  assert.equal(halfDelivered.size, 3)
})

/** A memory, ways to deliver to the first recipient only and to all, and who was known to have the mail each time. */
function memory(limits: Memory = {}) {
  const clock = new FastClock()
  const memory = new HalfDelivered(limits, clock)
  const known: string[][] = []
  const failure = new Error('not all of them')
  const halfway = (mail: Parameters<HalfDelivered['deliver']>[0]) =>
    assert.rejects(
      memory.deliver(mail, async accepted => {
        known.push([...accepted])
        accepted.add(first!)
        throw failure
      }),
      failure,
    )
  const whole = (text: string) =>
    memory.deliver(mailTo(people(2), text), async accepted => {
      known.push([...accepted])
      return {}
    })
  return {
    memory,
    clock,
    half: (text: string) => halfway(mailTo(people(2), text)),
    tries: { known, half: halfway, whole },
  }
}

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
    halfDelivered.deliver(mail, { atomic: false, patienceMs: 0 }, async () => {
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
    halfDelivered.deliver(mail, { atomic: false, patienceMs: 0 }, () => {
      throw failure
    }),
    failure,
  )
  assert.deepEqual(
    await halfDelivered.deliver(mail, { atomic: false, patienceMs: 0 }, async () => ({ messageId: 'a' })),
    {
      messageId: 'a',
    },
  )
})

test('how the content was cut makes no difference, nor does the Received header', async () => {
  const { memory: halfDelivered, half, tries } = memory()
  await half('Subject: x')
  const known: string[][] = []
  const content = ['oth', 'erSub', 'ject: x'].map(text => Buffer.from(text))
  await halfDelivered.deliver(
    { ...mail, content, headerBytes: 5 },
    { atomic: false, patienceMs: 0 },
    async accepted => {
      known.push([...accepted])
      return {}
    },
  )
  assert.deepEqual([...tries.known, ...known], [[], [first]])
})

test('a sender and a content that are one text together are still another mail', async () => {
  const { memory: halfDelivered, tries } = memory()
  const base = mailTo(people(2), 'c')
  await tries.half({ ...base, sender: 'a@b' })
  await tries.half({ ...mailTo(people(2), '"c'), sender: 'a@b' })
  await tries.half({ ...mailTo(people(2), 'bc'), sender: 'a@' })
  assert.deepEqual(tries.known, [[], [], []])
  assert.equal(halfDelivered.size, 3)
})

test('a mail that all or none get is not read while nothing is remembered, and looked up while something is', async () => {
  const { memory: halfDelivered, half } = memory()
  const unread = {
    ...mail,
    get content(): never {
      return assert.fail('it was read')
    },
  }
  const passage = async (accepted: Set<string>) => ({ messageId: [...accepted].join() })
  assert.deepEqual(await halfDelivered.deliver(unread, { atomic: true, patienceMs: 0 }, passage), {
    messageId: '',
  })
  await half('a')
  assert.deepEqual(
    await halfDelivered.deliver(mailTo(people(2), 'b'), { atomic: true, patienceMs: 0 }, passage),
    { messageId: '' },
  )
  assert.equal(halfDelivered.size, 1)
  assert.deepEqual(
    await halfDelivered.deliver(mailTo(people(2), 'a'), { atomic: true, patienceMs: 0 }, passage),
    {
      messageId: first,
    },
  )
  assert.equal(halfDelivered.size, 0)
})

test('who heard yes is forgotten, the others stay', async () => {
  const { memory: halfDelivered, clock } = memory()
  const all = people(4)
  const known: string[] = []
  const go = (recipients: readonly string[], accepts: readonly string[], fails = false) =>
    halfDelivered
      .deliver({ ...mail, recipients }, { atomic: false, patienceMs: 0 }, async accepted => {
        known.push([...accepted].map(person => all.indexOf(person)).join(''))
        for (const person of accepts) accepted.add(person)
        if (fails) throw new Error('no')
        return {}
      })
      .catch(() => undefined)
  await go(all, all.slice(0, 3), true)
  await go(all.slice(0, 2), [])
  await go(all.slice(2), all.slice(3))
  clock.pass(1)
  await go(all, [], true)
  assert.deepEqual(known, ['', '012', '2', ''])
  assert.equal(halfDelivered.size, 0)
})

/** A memory, ways to deliver to the first recipient only and to all, and who was known to have the mail each time. */
function memory(limits: Memory = {}) {
  const clock = new FastClock()
  const memory = new HalfDelivered(limits, clock)
  const known: string[][] = []
  const failure = new Error('not all of them')
  const halfway = (mail: Parameters<HalfDelivered['deliver']>[0]) =>
    assert.rejects(
      memory.deliver(mail, { atomic: false, patienceMs: 0 }, async accepted => {
        known.push([...accepted])
        accepted.add(first!)
        throw failure
      }),
      failure,
    )
  const whole = (text: string) =>
    memory.deliver(mailTo(people(2), text), { atomic: false, patienceMs: 0 }, async accepted => {
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

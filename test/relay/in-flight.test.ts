import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessagesInFlight } from '../../src/relay/in-flight.ts'
import { people } from './backend.ts'

test('messages overlap if envelope, content and a recipient are the same', () => {
  const inFlight = new MessagesInFlight<Message>()
  const first = message('ab')
  inFlight.add(first)
  for (const [other, overlaps] of [
    [message('b'), true],
    [message('c'), false],
    [message('b', 'another content'), false],
    [message('b', 'content', 'another envelope'), false],
  ] as const) {
    assert.deepEqual([...found(inFlight, other)], overlaps ? [first] : [])
  }
})

test('of several messages with the same content the latest one is found, for each recipient', () => {
  const inFlight = new MessagesInFlight<Message>()
  const [first, second] = [message('abc'), message('bc')]
  inFlight.add(first)
  inFlight.add(second)
  assert.deepEqual([...found(inFlight, message('abc'))], [first, second])
  assert.deepEqual([...found(inFlight, message('c'))], [second])
  inFlight.delete(first)
  assert.deepEqual([...found(inFlight, message('abc'))], [second])
  inFlight.delete(second)
  assert.deepEqual([...found(inFlight, message('abc'))], [])
})

test('different contents to one recipient are told apart, and each is deleted alone', () => {
  const inFlight = new MessagesInFlight<Message>()
  const [x, y, z] = ['x', 'y', 'z'].map(content => message('a', content))
  for (const one of [x!, y!, z!]) inFlight.add(one)
  for (const one of [x!, y!, z!]) assert.deepEqual([...found(inFlight, message('a', one.content))], [one])
  inFlight.delete(y!)
  assert.deepEqual([...found(inFlight, message('a', 'y'))], [])
  assert.deepEqual([...found(inFlight, message('a', 'z'))], [z])
  for (const one of [x!, z!]) inFlight.delete(one)
  assert.deepEqual([...found(inFlight, message('a', 'x'))], [])
})

test('a message that was not added can be deleted', () => {
  const inFlight = new MessagesInFlight<Message>()
  const first = message('a')
  inFlight.delete(first)
  inFlight.add(first)
  inFlight.delete(message('ab'))
  assert.deepEqual([...found(inFlight, message('a'))], [first])
})

test('a content is read only if another message has the same envelope and a recipient in common', () => {
  const inFlight = new MessagesInFlight<Message>()
  const all = people(100).map(person => message([person]))
  for (const one of all) {
    inFlight.overlapping(one)
    inFlight.add(one)
  }
  assert.ok(all.every(({ reads }) => reads === 0))
  const again = message(people(1))
  inFlight.overlapping(again)
  inFlight.add(again)
  assert.deepEqual(
    all.slice(0, 2).map(({ reads }) => reads > 0),
    [true, false],
  )
})

interface Message {
  readonly envelope: string
  readonly recipients: readonly string[]
  readonly content: string
  readonly digest: string
  /** How often the digest was asked for. */
  readonly reads: number
}

function message(recipients: Iterable<string>, content = 'content', envelope = 'envelope'): Message {
  let reads = 0
  return {
    envelope,
    recipients: [...recipients],
    content,
    get digest() {
      reads++
      return `digest of ${content}`
    },
    get reads() {
      return reads
    },
  }
}

function found(inFlight: MessagesInFlight<Message>, message: Message): readonly Message[] {
  return [...(inFlight.overlapping(message) ?? [])]
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageSink, Reply } from '../../src/protocol/index.ts'
import { RecordingHost } from '../support/recording-host.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import { Stand } from './stand.ts'

const localError = '451 4.3.0 Local error in processing, try again later'
const envelope = ['MAIL FROM:<a@example.org>', 'RCPT TO:<b@example.org>']

/** Ways to fail: throwing, and returning a promise that rejects. */
const ways: Record<string, (error: Error) => never | Promise<never>> = {
  throws: error => {
    throw error
  },
  rejects: error => Promise.reject(error),
}

/** What the client sends up to the question that the host fails to answer. */
const questions: Record<string, readonly string[]> = {
  login: ['AUTH PLAIN AHVzZXIAc2VjcmV0'],
  sender: envelope.slice(0, 1),
  recipient: envelope,
  message: [...envelope, 'DATA'],
}

for (const [way, fail] of Object.entries(ways)) {
  test(`a host that ${way} is 451 4.3.0 and reported, and the session goes on`, async t => {
    for (const [question, lines] of Object.entries(questions)) {
      await t.test(question, async t => {
        const error = new Error('secret details')
        let failing = true
        const host = new RecordingHost()
        const others = question === 'message' ? host.sink : undefined
        Object.assign(host, { [question]: () => (failing ? fail(error) : others) })
        const stand = await Stand.set(t, host)
        const wire = await stand.greeted()
        for (const line of lines.slice(0, -1)) assert.equal((await wire.ask(line)).code, 250)
        assert.equal((await wire.ask(lines.at(-1)!)).text, localError)
        assert.deepEqual(stand.errors, [error])
        failing = false
        await wire.ask('RSET')
        assert.equal((await wire.mail('x\r\n')).code, 250)
        assert.deepEqual(host.calls, { write: 1, deliver: 1, discard: 0 })
        assert.equal(stand.errors.length, 1)
      })
    }
  })

  test(`a host that ${way} on connect gets 421 4.3.0 in place of the greeting`, async t => {
    const error = new Error('secret details')
    const stand = await Stand.set(t, new RecordingHost({ connect: () => fail(error) }))
    const wire = await SmtpClient.connect(stand.port)
    assert.equal(await wire.rest(), `${localError.replace('451', '421')}\r\n`)
    assert.deepEqual(stand.errors, [error])
  })

  const calls: Record<keyof MessageSink, { write: number; deliver: number; discard: number }> = {
    write: { write: 1, deliver: 0, discard: 1 },
    deliver: { write: 1, deliver: 1, discard: 0 },
    discard: { write: 1, deliver: 0, discard: 1 },
  }
  for (const method of ['write', 'deliver'] as const) {
    test(`a sink whose ${method} ${way} is 451 4.3.0 at the end of the message`, async t => {
      const error = new Error('secret details')
      let failing = true
      const host = new RecordingHost({ sink: { [method]: () => (failing ? fail(error) : undefined) } })
      const stand = await Stand.set(t, host)
      const wire = await stand.greeted()
      assert.equal((await wire.mail('x\r\n')).text, localError)
      assert.deepEqual(stand.errors, [error])
      assert.deepEqual(host.calls, calls[method])
      failing = false
      assert.equal((await wire.mail('y\r\n')).code, 250)
      assert.equal(stand.errors.length, 1)
    })
  }

  test(`a sink whose discard ${way} has no effect on clients`, async t => {
    const error = new Error('secret details')
    const host = new RecordingHost({ sink: { discard: () => fail(error) } as Partial<MessageSink> })
    const stand = await Stand.set(t, host)
    const wire = await stand.greeted()
    await wire.open()
    await wire.put('half')
    await stand.until(() => host.calls.write === 1, 'the content')
    wire.reset()
    await stand.emptied()
    assert.deepEqual(host.calls, calls.discard)
    await stand.until(() => stand.errors.length > 0, 'the fault to be told')
    assert.deepEqual(stand.errors, [error])
    assert.equal((await (await stand.greeted()).ask('NOOP')).code, 250)
  })
}

test('an invalid answer of the host is 451 4.3.0', async t => {
  const nonsense = [
    { code: Number.NaN, text: 'x' },
    { code: 99, text: 'x' },
    { code: 999, text: 'x' },
    'no',
  ] as Reply[]
  const host = new RecordingHost({ sender: () => nonsense.shift() })
  const stand = await Stand.set(t, host)
  const wire = await stand.greeted()
  while (nonsense.length > 0) assert.equal((await wire.ask(envelope[0]!)).text, localError)
  assert.equal((await wire.ask(envelope[0]!)).code, 250)
})

test('text of the host cannot break the protocol', async t => {
  const answers: Reply[] = [
    { code: 550, status: '5.7.1', text: 'no\r\n250 2.0.0 Ok\r\n\0é' },
    { code: 550, status: '5.7.1', text: 'x'.repeat(3000) },
  ]
  const stand = await Stand.set(t, new RecordingHost({ sender: () => answers.shift() }))
  const wire = await stand.greeted()
  assert.equal((await wire.ask(envelope[0]!)).text, '550 5.7.1 no 250 2.0.0 Ok ??')
  const long = await wire.ask(envelope[0]!)
  assert.equal(long.code, 550)
  for (const line of long.text.split('\n')) assert.ok(line.length <= 510, String(line.length))
  assert.equal((await wire.mail('x\r\n')).code, 250)
})

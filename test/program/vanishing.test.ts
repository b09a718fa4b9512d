import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SmtpClient } from '../support/smtp-client.ts'
import { clientHello } from './client-hello.ts'
import { credentials, eachOf, mail, opening, RelayFixture } from './relay-fixture.ts'

test('clients that disconnect at every byte of the dialogue leave complete messages only', async t => {
  const house = await RelayFixture.start(t)
  const dialogue = `EHLO client.test\r\nAUTH PLAIN ${credentials}\r\n${mail}${opening}x\r\n`
  const positions = Array.from({ length: dialogue.length + 1 }, (_, position) => position)
  const wholeAt = dialogue.indexOf('\r\n.\r\n') + 5
  /** The names of the messages that were answered 250. */
  const answered: string[] = []

  await t.test('by closing their half', () =>
    eachOf(positions, async position => {
      const wire = await SmtpClient.connect(house.relay.port)
      wire.say(dialogue.slice(0, position))
      wire.finish()
      const heard = await wire.rest()
      const name = nameIn(heard)
      assert.equal(name !== undefined, position >= wholeAt, heard)
      if (name !== undefined) answered.push(name)
    }),
  )

  await t.test('with FIN, before they have received anything', () =>
    eachOf(positions, async position => {
      const wire = await SmtpClient.connect(house.relay.port)
      await wire.put(dialogue.slice(0, position))
      wire.vanish()
    }),
  )
  await t.test('with a reset', () =>
    eachOf(positions, async position => {
      const wire = await SmtpClient.connect(house.relay.port)
      await wire.put(dialogue.slice(0, position))
      wire.reset()
    }),
  )
  await t.test('with a reset, after all replies were received', () =>
    eachOf(positions, async position => {
      const wire = await SmtpClient.connect(house.relay.port)
      await wire.put(dialogue.slice(0, position))
      for (const line of repliesTo(dialogue.slice(0, position))) {
        const { text } = await wire.reply(line)
        if (line === '.') answered.push(nameIn(text)!)
      }
      wire.reset()
    }),
  )
  await house.check()
  assert.equal(answered.length, 2 * positions.filter(position => position >= wholeAt).length)
  const stored = new Set((await house.messages()).map(({ name }) => name))
  for (const name of answered) assert.ok(stored.has(name), name)
})

test('clients that disconnect at every byte of a TLS handshake do no harm', async t => {
  const house = await RelayFixture.start(t)
  const hello = await clientHello()
  const starttls = 'EHLO client.test\r\nSTARTTLS\r\n'
  const positions = Array.from({ length: hello.length + 1 }, (_, position) => position)
  for (const implicit of [true, false]) {
    const port = implicit ? house.relay.tlsPort : house.relay.port
    const begin = async () => {
      const wire = await SmtpClient.connect(port)
      if (implicit) return wire
      wire.say(starttls)
      for (let replies = 0; replies < 3; replies++) await wire.reply()
      return wire
    }
    await t.test(`${implicit ? 'implicit TLS' : 'STARTTLS'}: closing their half`, () =>
      eachOf(positions, async position => {
        const wire = await begin()
        wire.say(hello.subarray(0, position))
        wire.finish()
        // Much less than a handshake may take, because this one cannot succeed.
        await wire.rest(5_000)
      }),
    )
    await t.test(`${implicit ? 'implicit TLS' : 'STARTTLS'}: with a reset`, () =>
      eachOf(positions, async position => {
        const wire = await begin()
        await wire.put(hello.subarray(0, position))
        wire.reset()
      }),
    )
  }
  await house.check()
})

test('clients that disconnect within TLS leave complete messages only', async t => {
  const house = await RelayFixture.start(t)
  const dialogue = `EHLO client.test\r\nAUTH PLAIN ${credentials}\r\n${mail}QUIT\r\n`
  const positions = Array.from({ length: Math.ceil(dialogue.length / 3) }, (_, n) => n * 3)
  await eachOf(positions, async position => {
    const wire = await SmtpClient.connect(house.relay.tlsPort, { tls: true })
    await wire.put(dialogue.slice(0, position))
    if (position % 2 === 0) wire.reset()
    else wire.vanish()
  })
  await house.check()
})

/** Returns the name of the message that a reply accepts. */
function nameIn(reply: string): string | undefined {
  return /250 2\.0\.0 Ok (\S+)/.exec(reply)?.[1]
}

/** Returns what the server replies to the beginning of a dialogue: the greeting, then one reply for each complete line. */
function repliesTo(said: string): string[] {
  const replies = ['greeting']
  let inContent = false
  for (const line of said.split('\r\n').slice(0, -1)) {
    if (!inContent || line === '.') replies.push(line)
    inContent = inContent ? line !== '.' : line === 'DATA'
  }
  return replies
}

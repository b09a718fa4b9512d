import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { within } from '../support/deadline.ts'
import { freePort } from '../support/free-port.ts'
import { storedMessages } from '../support/maildir.ts'
import { Random } from '../support/random.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import { type Scope, temporaryDirectory } from '../support/temporary-directory.ts'

// Data that a killed process has passed to the operating system is not lost. So these tests prove the order of events (bytes,
// name, reply), not that the data was synced to the disk.

const kills = 40
const clients = 4

test(`${kills} crashes lose no message that was answered 250, and leave none incomplete`, async t => {
  const random = new Random()
  const house = await build(t)
  const ledger = new Ledger()
  const seen = new Set<string>()
  const stored = new Set<number>()

  for (let kill = 1; kill <= kills; kill++) {
    const relay = await house.start()
    const sending = Array.from({ length: clients }, () => sendUntilCrash(relay, ledger))
    await ledger.answers(random.below(30))
    // A random moment for the crash, not a wait for something.
    await sleep(random.below(4))
    await relay.kill()
    await Promise.all(sending)

    for (const { name, received, content } of await storedMessages(house.maildir)) {
      if (seen.has(name)) continue
      seen.add(name)
      const number = Number(/^Subject: (\d+)\r\n/.exec(content.toString('latin1', 0, 40))?.[1])
      const whole = received !== '' && content.equals(numbered(number))
      assert.ok(whole, `kill ${kill}, seed ${random.seed}: ${name} is not a complete message`)
      stored.add(number)
    }
    for (const number of ledger.answered) {
      assert.ok(
        stored.has(number),
        `kill ${kill}, seed ${random.seed}: message ${number} was answered and is lost`,
      )
    }
  }
  // Otherwise the test would have proved nothing.
  const counts = `${ledger.answered.size} answered, ${ledger.cutShort} cut short, seed ${random.seed}`
  assert.ok(ledger.answered.size > kills && ledger.cutShort > kills, counts)
})

const content = `Subject: x\r\n\r\n${'line\r\n'.repeat(2000)}`
const half = content.length / 2

/** The points of one dialogue; `messages` are the numbers of messages that may be in the Maildir after a crash at this point. */
const points: Record<string, { messages: readonly number[]; go: (wire: SmtpClient) => Promise<unknown> }> = {
  'before the greeting was read': { messages: [0], go: async () => {} },
  'after EHLO': { messages: [0], go: wire => wire.greet() },
  'after MAIL': { messages: [0], go: wire => ask(wire, 'MAIL FROM:<a@example.org>') },
  'after RCPT': {
    messages: [0],
    go: wire => ask(wire, 'MAIL FROM:<a@example.org>', 'RCPT TO:<b@example.org>'),
  },
  'after 354': { messages: [0], go: wire => begin(wire) },
  'with half of the content written': { messages: [0], go: wire => write(wire, content.slice(0, half)) },
  'with all but the final dot written': { messages: [0], go: wire => write(wire, content) },
  'with all but the last byte written': { messages: [0], go: wire => write(wire, `${content}.\r`) },
  'with the final dot written': { messages: [0, 1], go: wire => write(wire, `${content}.\r\n`) },
  'with the 250 received': {
    messages: [1],
    go: async wire => {
      await write(wire, `${content}.\r\n`)
      assert.equal((await wire.reply()).code, 250)
    },
  },
  'in the second message': {
    messages: [1],
    go: async wire => {
      await wire.greet()
      assert.equal((await wire.mail(content)).code, 250)
      await wire.open()
      await wire.put(content)
    },
  },
}

test('a crash at any point of the dialogue leaves complete messages only', async t => {
  for (const [name, { messages, go }] of Object.entries(points)) {
    await t.test(name, async t => {
      const house = await build(t)
      const relay = await house.start()
      const wire = await SmtpClient.connect(relay.port)
      await go(wire)
      await relay.kill()
      const answered = (await wire.rest()).includes('250 2.0.0 Ok')

      const stored = await storedMessages(house.maildir)
      assert.ok(messages.includes(stored.length), `${stored.length} messages`)
      if (answered) assert.equal(stored.length, 1)
      for (const message of stored) assert.equal(message.content.toString('latin1'), content)

      const next = await SmtpClient.connect((await house.start()).port)
      await next.greet()
      assert.equal((await next.mail(content)).code, 250)
      assert.equal((await storedMessages(house.maildir)).length, stored.length + 1)
    })
  }
})

/** What the clients know of their messages. */
class Ledger {
  /** The number of the next message. */
  next = 0
  readonly answered = new Set<number>()
  /** Messages whose content had begun when the connection broke. */
  cutShort = 0
  #listener: (() => void) | undefined

  answer(number: number): void {
    this.answered.add(number)
    this.#listener?.()
  }

  /** Resolves after `count` more answers. */
  async answers(count: number): Promise<void> {
    const goal = this.answered.size + count
    const reached = new Promise<void>(resolve => {
      this.#listener = () => this.answered.size >= goal && resolve()
      this.#listener()
    })
    await within(reached, `${count} answers`)
  }
}

async function sendUntilCrash({ port }: RelayProcess, ledger: Ledger): Promise<void> {
  try {
    const wire = await SmtpClient.connect(port)
    await wire.greet()
    for (;;) {
      const number = ledger.next++
      await wire.open()
      ledger.cutShort++
      wire.say(`${numbered(number).toString('latin1')}.\r\n`)
      const { code } = await wire.reply()
      assert.equal(code, 250)
      ledger.cutShort--
      ledger.answer(number)
    }
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
    // The connection broke, or could not be opened: that is the crash.
  }
}

/** Returns the content of a message by its number: a few bytes, or a few hundred thousand. */
function numbered(number: number): Buffer {
  const line = `This is message ${number}, and nothing else.\r\n`
  return Buffer.from(`Subject: ${number}\r\n\r\n${line.repeat(number % 5 === 0 ? 5000 : 1 + (number % 40))}`)
}

async function begin(wire: SmtpClient): Promise<void> {
  await wire.greet()
  await wire.open()
}

async function write(wire: SmtpClient, bytes: string): Promise<void> {
  await begin(wire)
  await wire.put(bytes)
}

async function ask(wire: SmtpClient, ...lines: readonly string[]): Promise<void> {
  await wire.greet()
  for (const line of lines) assert.equal((await wire.ask(line)).code, 250)
}

/** One Maildir, and a function that starts the program with it, always on the same port. */
async function build(scope: Scope) {
  const maildir = join(await temporaryDirectory(scope), 'maildir')
  const port = await freePort()
  const start = () => RelayProcess.start(scope, { args: ['-r', 'maildir', '--maildir', maildir], port })
  return { maildir, start }
}

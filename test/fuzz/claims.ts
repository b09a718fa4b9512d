import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Event, type Host, isQuestion, type MessageSink, reply } from '../../src/protocol/index.ts'
import { SessionDriver, TurnQueue } from '../../src/transport/index.ts'
import { cut, cutPositions } from '../support/chunked-bytes.ts'
import { assertReplies, runSession, session, settings } from './session-run.ts'
import { content, dialogue, mail } from './words.ts'

/** A property that holds for every input. */
export interface Claim {
  readonly text: string
  /** Number of inputs in each run of the tests. */
  readonly runs: number
  readonly property: fc.IRawProperty<unknown>
}

const policy = fc.constantFrom('normalize' as const, 'reject' as const)

const sameDialogue = fc.property(dialogue, cutPositions, policy, (bytes, at, bareNewline) => {
  const whole = runSession([bytes], { bareNewline })
  assert.equal(runSession(cut(bytes, at), { bareNewline }).transcript, whole.transcript)
  assert.equal(runSession(single(bytes), { bareNewline }).transcript, whole.transcript)
  assertReplies(whole.output)
})

const anyBytes = fc.property(fc.uint8Array({ maxLength: 500, size: 'max' }), cutPositions, (bytes, at) => {
  const whole = runSession([Buffer.from(bytes)])
  assert.equal(runSession(cut(Buffer.from(bytes), at)).transcript, whole.transcript)
  assertReplies(whole.output)
})

const strictPipelining = fc.property(dialogue, cutPositions, (bytes, at) => {
  assertReplies(runSession(cut(bytes, at), { strictPipelining: true }).output)
})

const envelope = Buffer.from('EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@r.test>\r\n')
const largeLimits = { limits: { ...settings.limits, messageBytes: 10_000, commandLineBytes: 1000 } }

const stuffing = fc.property(content, cutPositions, (text, at) => {
  const lines = `${text.toString('latin1').replace(/(?<!\r)\n|\r(?!\n)/g, '')}\r\n`
  const stuffed = lines.replace(/(^|\r\n)\./g, '$1..')
  const sent = Buffer.concat([envelope, Buffer.from(`DATA\r\n${stuffed}.\r\n`, 'latin1')])
  const { content, output } = runSession(cut(sent, at), largeLimits)
  assert.equal(content.toString('latin1'), lines)
  assert.match(output, /\r\n354 [^\r]*\r\n250 2\.0\.0 Ok\r\n$/)
})

const chunks = fc.property(content, cutPositions, cutPositions, (text, pieces, at) => {
  const binary = Buffer.from(envelope.toString('latin1').replace('<>', '<> BODY=BINARYMIME'), 'latin1')
  const bdats = cut(text, pieces).flatMap(piece => [Buffer.from(`BDAT ${piece.length}\r\n`), piece])
  const sent = Buffer.concat([binary, ...bdats, Buffer.from('BDAT 0 LAST\r\n')])
  const { content, output } = runSession(cut(sent, at), {
    limits: { ...largeLimits.limits, junkCommands: 100 },
  })
  assert.ok(content.equals(text))
  assert.match(output, /\r\n250 2\.0\.0 Ok\r\n$/)
})

const driverInput = fc.oneof(
  { weight: 4, arbitrary: dialogue },
  { weight: 8, arbitrary: fc.constant(mail) },
  // Number of steps of the driver: take an event, or answer a question.
  { weight: 12, arbitrary: fc.nat(15) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'tlsEstablished' as const,
      'timeout' as const,
      'abort' as const,
      'disconnected' as const,
      'drain' as const,
      'peerClosed' as const,
    ),
  },
)

const onceEach = fc.property(
  fc.array(driverInput, { maxLength: 30, size: 'max' }),
  // Mostly accepting, because otherwise few messages would be completed.
  fc.infiniteStream(fc.nat(7).map(one => one > 0)),
  fc.boolean(),
  (all, accepts, strictPipelining) => {
    const engine = session({ strictPipelining })
    let output = ''
    let pending: Event | undefined
    let open = false
    let closed = false
    let ended = false
    const step = () => {
      if (pending !== undefined) {
        const accepted = accepts.next().value === true
        if (pending.type === 'message') open = accepted
        pending = undefined
        engine.answer(accepted ? undefined : reply(550, '5.7.1', 'No'))
        return
      }
      const event = engine.next()
      output += engine.takeOutput()
      if (event === undefined) return
      assert.ok(!closed, `${event.type} after the end`)
      if (event.type === 'content') assert.ok(open)
      else if (event.type === 'delivery' || event.type === 'discard') {
        assert.ok(open, event.type)
        open = false
      }
      if (event.type === 'delivery') assert.ok(!ended, 'a delivery after the end of the session')
      if (event.type === 'close') closed = true
      if (isQuestion(event)) pending = event
    }
    for (const what of [...all, 'disconnected', 9] as const) {
      if (Buffer.isBuffer(what)) engine.receive(what)
      else if (typeof what === 'number') for (let i = 0; i < what; i++) step()
      else {
        engine[what]()
        if (what === 'drain' || what === 'tlsEstablished' || what === 'peerClosed') continue
        // The driver no longer waits for the host, and drops the pending question.
        pending = undefined
        ended = true
      }
    }
    assert.ok(!open, 'a message was neither delivered nor discarded')
    assertReplies(output)
  },
)

/** What a host may do with a question. The names complete "the host ...". */
const behaviours = [
  'accepts',
  'refuses',
  'throws',
  'rejects',
  'is late',
  'is too late',
  'is silent',
  'answers nonsense',
] as const
const behaviour = fc.oneof(
  { weight: 12, arbitrary: fc.constant('accepts' as const) },
  ...behaviours.map(one => ({ weight: 1, arbitrary: fc.constant(one) })),
)

const anyHost = fc.asyncProperty(
  fc.array(fc.oneof(dialogue, fc.constant(mail)), { maxLength: 6 }),
  fc.infiniteStream(behaviour),
  async (chunks, stream) => {
    const open = new Set<MessageSink>()
    const late: Promise<unknown>[] = []
    const behave = <T>(consent: T): T | Promise<T> => {
      switch (stream.next().value) {
        case 'refuses':
          return reply(450, '4.7.1', `No\r\n250 ${'yes '.repeat(200)}`) as T
        case 'throws':
          throw new Error('secret details')
        case 'rejects':
          return Promise.reject(new Error('secret details'))
        case 'is late':
          return Promise.resolve(consent)
        case 'is too late': {
          const answer = new Promise<T>(resolve => setTimeout(() => resolve(consent), 3))
          late.push(answer)
          return answer
        }
        case 'is silent':
          return new Promise(() => {})
        case 'answers nonsense':
          return { code: 999, text: 'nonsense' } as T
        default:
          return consent
      }
    }
    const host: Host = {
      connect: () => behave(undefined),
      login: () => behave(undefined),
      sender: () => behave(undefined),
      recipient: () => behave(undefined),
      message: () => {
        let ended = false
        const end = () => {
          assert.ok(!ended, 'a second end of a message')
          ended = true
          open.delete(sink)
        }
        const sink: MessageSink = {
          write: () => {
            assert.ok(!ended, 'content after the end of a message')
            return behave(undefined)
          },
          deliver: () => {
            end()
            return behave(undefined)
          },
          discard: end,
        }
        const answer = behave<MessageSink | ReturnType<typeof reply>>(sink)
        const given = (one: typeof answer) => one === sink && open.add(sink)
        if (answer instanceof Promise) answer.then(given, () => {})
        else given(answer)
        return answer
      },
    }
    const engine = session()
    const faults: unknown[] = []
    let answered = () => {}
    const driver = new SessionDriver(engine, host, {
      turns: new TurnQueue(),
      hostMs: 1,
      errorDelayMs: 0,
      onAnswer: () => answered(),
      onError: error => faults.push(error),
    })
    let output = ''
    const run = async () => {
      for (;;) {
        driver.run()
        output += engine.takeOutput()
        if (!driver.waiting) return
        await new Promise<void>(resolve => {
          answered = resolve
        })
      }
    }
    await run()
    for (const chunk of chunks) {
      engine.receive(chunk)
      await run()
    }
    engine.disconnected()
    await run()
    await Promise.all(late)
    assertReplies(output)
    assert.doesNotMatch(output, /secret|nonsense/)
    for (const fault of faults) assert.ok(!(fault instanceof assert.AssertionError), String(fault))
    assert.equal(open.size, 0, 'a message was neither delivered nor discarded')
  },
)

/** All claims about the engine for any input. */
export const claims: readonly Claim[] = [
  {
    text: 'the same bytes give the same dialogue, however they are cut, and nothing but replies comes back',
    runs: 5000,
    property: sameDialogue,
  },
  { text: 'random bytes are answered, and never make the engine throw', runs: 2000, property: anyBytes },
  {
    text: 'where pipelining is strict, nothing but replies comes back',
    runs: 1000,
    property: strictPipelining,
  },
  { text: 'what was stuffed with dots is handed on as it was before', runs: 2000, property: stuffing },
  { text: 'what comes in chunks is handed on as it is', runs: 2000, property: chunks },
  {
    text: 'whatever happens and whenever the host answers, each message is delivered once or discarded once',
    runs: 5000,
    property: onceEach,
  },
  {
    text: 'whatever the host does, the client hears replies, and each sink is told once how its mail ends',
    runs: 500,
    property: anyHost,
  },
]

function single(bytes: Buffer): Buffer[] {
  return [...bytes].map(byte => Buffer.of(byte))
}

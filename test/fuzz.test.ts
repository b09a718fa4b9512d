import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cramMd5, login, plain } from '../src/auth/index.ts'
import {
  defaultLimits,
  type Event,
  isQuestion,
  reply,
  Session,
  type Settings,
} from '../src/protocol/index.ts'
import { cut, places, telling } from './protocol/cuts.ts'

/** Words of the dialogue, and what breaks them, weighted so that long dialogues get somewhere. */
const dialogue = telling(
  [
    'EHLO c.test\r\n',
    'HELO c.test\r\n',
    'MAIL FROM:<a@s.test>\r\n',
    'RCPT TO:<b@r.test>\r\n',
    'DATA\r\n',
    'text\r\n',
    '\r\n.\r\n',
    '.\r\n',
    '..\r\n',
    '\n.\r\n',
    '\r\n.\n',
    '\r.\r',
    '\r',
    '\n',
    '\r\n',
    'RSET\r\n',
    'NOOP\r\n',
    'QUIT\r\n',
    'STARTTLS\r\n',
    'AUTH PLAIN\r\n',
    'AUTH LOGIN\r\n',
    'AUTH CRAM-MD5\r\n',
    'AUTH PLAIN AHUAcA==\r\n',
    'dGltIDE=\r\n',
    '*\r\n',
    'VRFY x\r\n',
    'HELP\r\n',
    'EXPN x\r\n',
    'MAIL FROM:<> SIZE=99999\r\n',
    'MAIL FROM:<> BODY=BINARYMIME\r\n',
    'BDAT 3\r\n',
    'BDAT 4 LAST\r\n',
    'BDAT 0 LAST\r\n',
    'BDAT 50\r\n',
    'RCPT TO:<no@r.test>\r\n',
    'MAIL FROM:<\xc3\xa9@s.test> SMTPUTF8\r\n',
    'RCPT TO:<\xc3\xa9@r.test>\r\n',
    '\xc3',
    ' ',
    '\0',
    '\xff',
    'x'.repeat(300),
    'GET / HTTP/1.1\r\n',
    '\x16\x03\x01',
    '__PROTO__\r\n',
  ],
  30,
)

const settings: Settings = {
  hostname: 'relay.test',
  service: 'Fuzz',
  tls: 'offered',
  loginRequired: false,
  mechanisms: [plain, login, cramMd5({ challenge: () => '<1@relay.test>' })],
  plaintextLogin: true,
  smtpUtf8: true,
  bareNewline: 'normalize',
  strictPipelining: false,
  // Small, so that every limit is reached.
  limits: {
    ...defaultLimits,
    messageBytes: 60,
    commandBytes: 100,
    responseBytes: 120,
    skippedBytes: 400,
    recipients: 3,
  },
}

/** Plays the chunks and writes down all that happens; how content was cut is not of interest. */
function play(chunks: readonly Buffer[], bareNewline: Settings['bareNewline']): string {
  const session = new Session({ ...settings, bareNewline }, { address: '192.0.2.1', secure: false })
  let record = ''
  const run = () => {
    for (let event = session.next(); event !== undefined; event = session.next()) {
      record += session.takeOutput()
      record += event.type === 'content' ? `[${event.bytes.toString('hex')}]` : `(${event.type})`
      if (isQuestion(event)) session.answer(verdict(event))
    }
    record += session.takeOutput()
  }
  run()
  for (const chunk of chunks) {
    session.receive(chunk)
    run()
  }
  session.hangUp()
  run()
  return record.replaceAll('][', '')
}

function verdict(event: Event) {
  return event.type === 'recipient' && event.address.startsWith('no@') ? reply(550, '5.7.1', 'No') : undefined
}

test('the same bytes give the same dialogue, however they are cut, and nothing but replies comes back', () => {
  fc.assert(
    fc.property(dialogue, places, fc.constantFrom('normalize', 'reject'), (bytes, at, bareNewline) => {
      const whole = play([bytes], bareNewline)
      assert.equal(play(cut(bytes, at), bareNewline), whole)
      assert.equal(
        play(
          [...bytes].map(byte => Buffer.of(byte)),
          bareNewline,
        ),
        whole,
      )
      const output = whole.replace(/\([a-z]+\)|\[[0-9a-f]*\]/g, '')
      assert.match(output, /^([2-5][0-5][0-9][ -][ -~]*\r\n)*$/)
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 5000) },
  )
})

const mail = Buffer.from('EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@r.test>\r\nDATA\r\nx\r\n.\r\n')

test('whatever happens and whenever the host answers, each mail is delivered once or discarded once', () => {
  const happening = fc.oneof(
    { weight: 4, arbitrary: dialogue },
    { weight: 8, arbitrary: fc.constant(mail) },
    // So many steps of the driver: an event taken, or a question answered.
    { weight: 12, arbitrary: fc.nat(15) },
    { weight: 1, arbitrary: fc.constantFrom('secured', 'expire', 'cutOff', 'hangUp', 'shutDown') },
  )
  fc.assert(
    fc.property(
      fc.array(happening, { maxLength: 30, size: 'max' }),
      fc.infiniteStream(fc.boolean()),
      (all, yes) => {
        const session = new Session(settings, { address: '192.0.2.1', secure: false })
        let output = ''
        let asked: Event | undefined
        let open = false
        let closed = false
        const step = () => {
          if (asked !== undefined) {
            const granted = yes.next().value === true
            if (asked.type === 'message') open = granted
            asked = undefined
            session.answer(granted ? undefined : reply(550, '5.7.1', 'No'))
            return
          }
          const event = session.next()
          output += session.takeOutput()
          if (event === undefined) return
          assert.ok(!closed, `${event.type} behind the end`)
          if (event.type === 'content') assert.ok(open)
          else if (event.type === 'delivery' || event.type === 'discard') {
            assert.ok(open, event.type)
            open = false
          }
          if (event.type === 'delivery') assert.ok(!left, 'a delivery behind the farewell')
          if (event.type === 'close') closed = true
          if (isQuestion(event)) asked = event
        }
        let left = false
        for (const what of [...all, 'hangUp', 9] as const) {
          if (Buffer.isBuffer(what)) session.receive(what)
          else if (typeof what === 'number') for (let i = 0; i < what; i++) step()
          else {
            session[what]()
            if (what === 'shutDown' || what === 'secured') continue
            // The driver gives up on the host, and forgets what it had asked.
            asked = undefined
            left = true
          }
        }
        assert.ok(!open, 'a mail was neither delivered nor discarded')
        assert.match(output, /^([2-5][0-5][0-9][ -][ -~]*\r\n)*$/)
      },
    ),
    { numRuns: 5000 },
  )
})

test('random bytes never make the engine throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), places, (bytes, at) => {
      play(cut(Buffer.from(bytes), at), 'normalize')
    }),
    { numRuns: 2000 },
  )
})

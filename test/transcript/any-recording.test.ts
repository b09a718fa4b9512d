import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  asWritten,
  byteByByte,
  cutInTwo,
  readConditions,
  readTranscript,
  type Transcript,
  withLateAnswers,
  writeTranscript,
} from '../../src/transcript/index.ts'
import { Recorder } from '../../src/transcript/recording/recorder.ts'

/** Valid and invalid input of clients and servers. */
const clientPieces = [
  ...[
    'EHLO c\r\n',
    'HELO c\r\n',
    'MAIL FROM:<a@s.example>\r\n',
    'RCPT TO:<b@r.example>\r\n',
    'DATA\r\n',
    '.\r\n',
  ],
  ...[
    'hello\r\n',
    '..\r\n',
    'BDAT 5\r\n',
    'BDAT 0 LAST\r\n',
    'RSET\r\n',
    'NOOP\r\n',
    'QUIT\r\n',
    'STARTTLS\r\n',
  ],
  ...[
    'AUTH PLAIN AHRpbQBodXNo\r\n',
    'AUTH LOGIN\r\n',
    'AUTH ',
    'dGlt\r\n',
    '*\r\n',
    '\n',
    '\r',
    '\0',
    '\xff{',
    '}',
    ' ',
  ],
]
const serverPieces = [
  ...[
    '220 x\r\n',
    '250 Ok\r\n',
    '250-a\r\n',
    '250-AUTH PLAIN LOGIN\r\n',
    '250 STARTTLS\r\n',
    '354 go\r\n',
    '334 x\r\n',
  ],
  ...['235 y\r\n', '550 n\r\n', '221 b\r\n', 'garbage', '\r\n', '\n', '\x1b[2J', '\xe2\x80\xa8'],
]
const event = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...clientPieces).map(text => ({ side: 'client' as const, text })) },
  { weight: 4, arbitrary: fc.constantFrom(...serverPieces).map(text => ({ side: 'server' as const, text })) },
)
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never

function recorded(events: readonly Event[], keepCredentials: boolean): Transcript {
  const recorder = new Recorder({ keepCredentials, secure: false })
  for (const { side, text } of events)
    recorder[side === 'client' ? 'onClientData' : 'onServerData'](Buffer.from(text, 'latin1'))
  recorder.clientEnds()
  return recorder.transcript({ file: 'any.smtp', title: 'Any', spec: 'RFC 5321' })
}

test('for any input, a recording is a valid transcript', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), events => {
      const text = writeTranscript(recorded(events, false))
      assert.equal(writeTranscript(readTranscript(text, 'any.smtp')), text)
    }),
    { numRuns: 2000 },
  )
})

test('for any input, a recording contains every byte of the client, in order', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), events => {
      const sent = events.map(({ side, text }) => (side === 'client' ? text : '')).join('')
      const kept = recorded(events, true).lines.map(line =>
        line.type === 'client' ? line.bytes : Buffer.alloc(0),
      )
      assert.equal(Buffer.concat(kept).toString('latin1'), sent)
    }),
    { numRuns: 2000 },
  )
})

test('for any input, a recording that was updated by playing it is a golden file', () => {
  const runners = [asWritten, byteByByte, cutInTwo, withLateAnswers]
  fc.assert(
    fc.property(fc.array(event, { maxLength: 25 }), events => {
      const recording = recorded(events, false)
      const conditions = readConditions(recording.conditions)
      const golden = writeTranscript(asWritten(recording, conditions))
      for (const runner of runners)
        assert.equal(writeTranscript(runner(readTranscript(golden, 'any.smtp'), conditions)), golden)
    }),
    { numRuns: 300 },
  )
})

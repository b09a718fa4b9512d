import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { NotationError, readConditions, readTranscript, writeTranscript } from '../../src/transcript/index.ts'

const everyLine = `Title: Every line there is
Spec: RFC 5321 section 4.2
With: tls=offered, size=1000

? connect
! 220 relay.test here
S: 220 relay.test here

# A remark.
C: EHLO client.test
C~ NOOP {20*x}\\r\\nNO
|
C~ OP\\r\\n
? sender <a@s.example> SIZE=10
!~ 550 5.7.1 No\\r\\nno
S: 550 5.7.1 No no
? login PLAIN tim "secret"
? recipient <b@r.example>
? message
S: 354 go on
S: 334${' '}
M: text
M:
M~ {20*x}\\r\\n
M~ trailing \\r\\n
M~ unended
? delivery 100
> discard
> upgrade
> close
* secured
* silence 5m
* shuts down
* cuts off
* hangs up
`

describe('the notation', () => {
  it('is written as it was read, with every kind of line', () => {
    assert.equal(writeTranscript(readTranscript(everyLine, 'every.smtp')), everyLine)
  })

  it('writes equal content in the same way', () => {
    const text = begin('? connect', 'M~ text\\r\\n', `M: ${'x'.repeat(20)}`, 'M: ')
    const written = begin('? connect', 'M: text', 'M~ {20*x}\\r\\n', 'M:')
    assert.equal(writeTranscript(readTranscript(text, 'content.smtp')), written)
  })

  it('reads C: as text and CRLF, and C~ as exactly these bytes', () => {
    const { lines } = readTranscript(begin('C: a\\r{b', 'C~ a\\r\\{b', 'C:'), 'client.smtp')
    const bytes = lines.map(line => (line.type === 'client' ? line.bytes.toString() : undefined))
    assert.deepEqual(bytes, ['a\\r{b\r\n', 'a\r{b', '\r\n'])
  })

  const wrong: [what: string, lines: string[]][] = [
    ['an unknown mark', ['X: text']],
    ['a mark without its space', ['C:text']],
    ['an unknown question', ['? why']],
    ['an unknown action', ['> think']],
    ['an unknown event', ['* thunder']],
    ['a silence without its length', ['* silence']],
    ['an answer to nothing', ['# A remark.', '! 250 Ok']],
    ['an answer without a code', ['? connect', '! No']],
    ['a cut before nothing', ['C: a', '|', 'S: 250 Ok']],
    ['an unclosed repeat', ['C: a', 'C~ {3*x']],
  ]
  for (const [what, lines] of wrong)
    it(`names the file and the line of ${what}`, () => {
      const index = lines.findIndex(line => !/^(C: a|\? connect|#.*)$/.test(line))
      assert.throws(
        () => readTranscript(begin('? connect', ...lines), 'f.smtp'),
        (error: unknown) =>
          error instanceof NotationError && error.message.startsWith(`f.smtp:${6 + index}: `),
      )
    })

  for (const [what, text] of [
    ['no title', 'Spec: RFC 1\n\n'],
    ['no spec', 'Title: a\n\n'],
    ['an unknown header', 'Title: a\nSpec: b\nOdd: c\n\n'],
    ['a header twice', 'Title: a\nTitle: a\nSpec: b\n\n'],
    ['headers in another order', 'Spec: b\nTitle: a\n\n'],
    [
      'a short text that stands for a gigabyte',
      `Title: a\nSpec: b\n\n? connect\n${'C~ {60000000*x}\n'.repeat(17)}`,
    ],
    ['a last line without a line ending', 'Title: a\nSpec: b\n\nC: x'],
  ])
    it(`refuses ${what}`, () => assert.throws(() => readTranscript(text!, 'f.smtp'), NotationError))
})

describe('conditions', () => {
  it('have defaults', () => {
    const { settings, client } = readConditions('')
    assert.equal(settings.hostname, 'relay.test')
    assert.equal(settings.tls, 'none')
    assert.equal(settings.authRequired, false)
    assert.deepEqual(settings.mechanisms, [])
    assert.deepEqual(client, { address: '192.0.2.1', secure: false })
  })

  it('name settings and limits', () => {
    const text =
      'tls=required, secure=yes, login=required, mechanisms=LOGIN PLAIN, plaintext-login=yes, ' +
      'bare-newline=reject, size=1, drain=2, recipients=3, command=4, response=5, skipped=6, errors=7, ' +
      'idle-commands=8, small-chunks=11, refusals=12, failed-logins=9'
    const { settings, client } = readConditions(text)
    assert.equal(client.secure, true)
    assert.deepEqual(
      { ...settings, mechanisms: settings.mechanisms.map(one => one.name) },
      {
        hostname: 'relay.test',
        service: 'Relay',
        tls: 'required',
        authRequired: true,
        mechanisms: ['LOGIN', 'PLAIN'],
        allowPlaintextAuth: true,
        smtpUtf8: false,
        binaryMime: false,
        bareNewline: 'reject',
        strictPipelining: false,
        limits: {
          messageBytes: 1,
          discardFactor: 2,
          recipients: 3,
          commandLineBytes: 4,
          authLineBytes: 5,
          discardedLineBytes: 6,
          hardErrorLimit: 7,
          softErrorLimit: 10,
          junkCommands: 8,
          smallChunks: 11,
          refusals: 12,
          turnCommands: 50,
          authFailures: 9,
        },
      },
    )
  })

  it('need no space between them', () => {
    const { settings } = readConditions('login=required,recipients=3, tls=offered')
    assert.deepEqual([settings.authRequired, settings.limits.recipients, settings.tls], [true, 3, 'offered'])
  })

  for (const text of [
    'odd=1',
    'size=x',
    'size=1, size=2',
    'tls=perhaps',
    'mechanisms=FOO',
    'size',
    'toString=1',
  ])
    it(`refuse ${text}`, () => assert.throws(() => readConditions(text), Error))
})

function begin(...lines: string[]): string {
  return ['Title: a', 'Spec: RFC 5321', '', ...lines, ''].join('\n').replace('\n\n', '\nWith: tls=none\n\n')
}

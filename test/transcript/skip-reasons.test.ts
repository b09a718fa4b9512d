import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readTranscript } from '../../src/transcript/index.ts'
import { extensionsIn } from '../../src/transcript/replay/capabilities.ts'
import { type ServerUnderTest, skipReason } from '../../src/transcript/replay/skip-reasons.ts'

const offering = (...words: string[]) =>
  extensionsIn({ lines: ['250-x', ...words.map(word => `250-${word}`)] })
const full = ['PIPELINING', 'SIZE 41943040', '8BITMIME', 'CHUNKING', 'STARTTLS']

function server(given: Partial<ServerUnderTest> = {}, initial = offering(...full)): ServerUnderTest {
  const capabilities = { initial, afterStartTls: offering(...full, 'AUTH PLAIN LOGIN'), replyMs: 1 }
  return { capabilities, declaredConditions: '', implicitTls: false, users: [], timeoutMs: 5000, ...given }
}

function reasonFor(body: string, server: ServerUnderTest, conditions = ''): string | undefined {
  const header = `Title: A\nSpec: RFC 5321\n${conditions === '' ? '' : `With: ${conditions}\n`}\n`
  return skipReason(readTranscript(`${header}${body.trim()}\n`, 'a.smtp'), server)
}

const mail = '? connect\nS: 220 x\nC: EHLO c\nS: 250 x\nC: MAIL FROM:<a@s.example>'

describe('a transcript can be played', () => {
  it('against a server without special settings', () =>
    assert.equal(reasonFor(`${mail}\nS: 250 x`, server()), undefined))

  for (const [what, body, conditions, given] of [
    ['if the server offers STARTTLS', '? connect\nC: STARTTLS', 'tls=offered', server()],
    [
      'if its condition is declared',
      mail,
      'recipients=2',
      server({ declaredConditions: 'recipients=2, errors=3' }),
    ],
    ['if EHLO shows the size', mail, 'size=20', server({}, offering('SIZE 20'))],
    [
      'if the server has its user',
      '? connect\n* secured\nC: AUTH PLAIN AHRpbQBzZWNyZXQ=\n? login PLAIN tim "secret"\nS: 235 Ok',
      'tls=offered, mechanisms=PLAIN',
      server({ users: ['tim:secret'] }),
    ],
    [
      'if it needs an unknown user, and the server has only others',
      '? connect\n* secured\nC: AUTH PLAIN AHRpbQBzZWNyZXQ=\n? login PLAIN tim "secret"\n! 535 5.7.8 No\nS: 535 No',
      'tls=offered, mechanisms=PLAIN',
      server({ users: ['ann:other'] }),
    ],
    ['if the host only accepts', '? connect\n! 220 Here\nS: 220 Here', '', server()],
    ['if the silence is short', '? connect\n* silence 4s', '', server()],
  ] as const)
    it(what, () => assert.equal(reasonFor(body, given, conditions), undefined))
})

describe('a transcript cannot be played', () => {
  for (const [body, conditions, given, reason] of [
    [
      `${mail}\n? sender <a@s.example>\n! 550 No`,
      '',
      server(),
      'the server would have to answer 550 to sender',
    ],
    ['? connect\n* shuts down', '', server(), 'the server would have to shut down'],
    ['? connect\n* silence 5m', '', server(), 'its silence is longer than --timeout'],
    ['? connect', 'secure=yes', server(), 'it needs TLS from the first byte (--tls)'],
    [
      '? connect\nC: STARTTLS',
      '',
      server({ implicitTls: true }),
      'it needs a connection that begins without TLS',
    ],
    [mail, 'recipients=2', server(), 'it needs a server with recipients=2 (--with)'],
    [mail, '', server({ declaredConditions: 'login=required' }), 'it needs a server with login=optional'],
    ['? connect\nC: STARTTLS', '', server(), 'it needs a server without STARTTLS'],
    [
      '? connect\nC: BDAT 0 LAST',
      '',
      server({}, offering()),
      'it needs CHUNKING, which the server does not offer',
    ],
    [
      `${mail} BODY=BINARYMIME`,
      'binarymime=yes',
      server(),
      'it needs BINARYMIME, which the server does not offer',
    ],
    [
      `${mail} BODY=BINARYMIME`,
      '',
      server({}, offering('CHUNKING', 'BINARYMIME')),
      'it needs a server without BINARYMIME',
    ],
    [`${mail} SMTPUTF8`, '', server({}, offering('SMTPUTF8')), 'it needs a server without SMTPUTF8'],
    [`${mail} SIZE=500`, '', server({}, offering('SIZE 100')), 'the server has another size limit'],
    [
      '? connect\nC: NOOP\nC: NOOP\nS: 250 Ok\nS: 250 Ok',
      '',
      server(),
      'it pipelines commands before EHLO has allowed it',
    ],
    [
      'C: NOOP\n? connect\nS: 220 x\nS: 250 Ok\nC~ x\\ny\\r\\n',
      'bare-newline=reject',
      server(),
      'it needs a server with bare-newline=reject (--with)',
    ],
    [
      '? connect\nC~ x\\ny\\r\\n',
      '',
      server({ declaredConditions: 'bare-newline=reject' }),
      'it needs a server with bare-newline=normalize',
    ],
    [
      '? connect\nC: AUTH PLAIN',
      'mechanisms=PLAIN, plaintext-login=yes',
      server(),
      'it needs AUTH PLAIN without TLS',
    ],
    [
      '? connect\n* secured\nC: AUTH LOGIN',
      'tls=offered, mechanisms=PLAIN',
      server(),
      'it needs a server without AUTH LOGIN under TLS',
    ],
    [
      '? connect\n? login PLAIN tim "secret"',
      '',
      server(),
      'the server would have to know the user of ? login PLAIN tim ... (--user)',
    ],
    [
      '? connect\n? login PLAIN tim "no"\n! 535 No',
      '',
      server(),
      'the server would have to answer 535 to login',
    ],
    [
      '? connect\n? login CRAM-MD5 tim 00',
      '',
      server(),
      'its CRAM-MD5 response belongs to another challenge',
    ],
  ] as const)
    it(reason, () => assert.equal(reasonFor(body, given, conditions), reason))

  it('because of commands, but not because of lines of content that look like commands', () => {
    const content = '? connect\nC: DATA\nS: 354 Go\nC: BDAT 5\nC: STARTTLS\nC: .\nS: 250 Ok'
    assert.equal(reasonFor(content, server({}, offering())), undefined)
  })
})

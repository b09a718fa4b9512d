import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { asWritten, readConditions, readTranscript, writeTranscript } from '../../src/transcript/index.ts'
import { Recorder } from '../../src/transcript/recording/recorder.ts'

const about = { file: 'a.smtp', title: 'A', spec: 'RFC 5321' }

/** Records `C` and `S` pieces in turn, and returns the text after the header. */
function recorded(pieces: readonly string[], keepCredentials = false): string {
  const recorder = new Recorder({ keepCredentials, secure: false })
  for (const piece of pieces) {
    const bytes = Buffer.from(piece.slice(1), 'latin1')
    if (piece.startsWith('C')) recorder.onClientData(bytes)
    else recorder.onServerData(bytes)
  }
  return bodyOf(recorder)
}

/** Returns the body of a recording, and checks that it is a valid transcript. */
function bodyOf(recorder: Recorder): string {
  const text = writeTranscript(recorder.transcript(about))
  assert.equal(writeTranscript(readTranscript(text, 'a.smtp')), text)
  return text.slice(text.indexOf('\n\n') + 2)
}

describe('a recording', () => {
  it('has a reply after everything that the client had sent when the reply began', () => {
    const body = recorded([
      'S220 x\r\n',
      'CEHLO a\r\n',
      'S250-x\r\n25',
      'S0 HELP\r\n',
      'CNOOP\r\nNOOP\r\n',
      'S250 1\r\n250 2\r\n',
    ])
    assert.equal(
      body,
      '? connect\nS: 220 x\nC: EHLO a\nS: 250-x\nS: 250 HELP\nC: NOOP\nC: NOOP\nS: 250 1\nS: 250 2\n',
    )
  })

  it('begins with the client if the client sends first', () =>
    assert.equal(recorded(['CNOOP\r\n', 'S220 x\r\n250 y\r\n']), 'C: NOOP\nS: 220 x\nS: 250 y\n'))

  it('does not depend on how the bytes are split', () => {
    const pieces = [
      'S220 x\r\n',
      'CEHLO a\r\n',
      'S250 x\r\n',
      'CBDAT 9\r\nAUTH\r\n\xff\r\nNOOP\r\n',
      'S250 y\r\n',
    ]
    const cut = pieces.flatMap(piece => [...piece.slice(1)].map(letter => piece[0] + letter))
    assert.equal(recorded(cut), recorded(pieces))
  })

  it('contains every byte of the client', () => {
    const body = recorded(['CNOOP \xff\0\r\nx {y}\\ \r\nz\n.', 'S500 x\r\n'])
    assert.equal(body, 'C~ NOOP \\xff\\0\\r\\n\nC~ x \\{y\\}\\\\ \\r\\n\nC~ z\\n.\nS: 500 x\n')
  })

  it('escapes control characters in a reply', () =>
    assert.equal(recorded(['S220 \x1b[31m\xc3\xbc\r\n']), '? connect\nS: 220 \\x1b[31mü\n'))

  it('shows how the connection ended', () => {
    const ends = (act: (recorder: Recorder) => void) => {
      const recorder = new Recorder({ keepCredentials: false, secure: false })
      recorder.onServerData(Buffer.from('220 x\r\n'))
      act(recorder)
      return bodyOf(recorder).split('\n').slice(2).join('\n')
    }
    assert.equal(
      ends(recorder => recorder.serverEnds()),
      '> close\n',
    )
    assert.equal(
      ends(recorder => recorder.clientEnds()),
      '* hangs up\n',
    )
    const late = (recorder: Recorder) => {
      recorder.onClientData(Buffer.from('NOOP\r\n'))
      recorder.clientEnds()
      recorder.onServerData(Buffer.from('250 y\r\n'))
      recorder.serverEnds()
    }
    assert.equal(ends(late), 'C: NOOP\nS: 250 y\n* hangs up\n')
    const faster = (recorder: Recorder) => {
      recorder.onClientData(Buffer.from('QUIT\r\n'))
      recorder.onServerData(Buffer.from('221 y\r\n'))
      recorder.clientEnds()
      recorder.serverEnds()
    }
    assert.equal(ends(faster), 'C: QUIT\nS: 221 y\n> close\n')
  })

  it('has the conditions that follow from the EHLO replies', () => {
    const recorder = new Recorder({ keepCredentials: false, secure: false })
    recorder.onServerData(
      Buffer.from(
        '220 x\r\n250-x\r\n250-STARTTLS\r\n250-SMTPUTF8\r\n250-BINARYMIME\r\n250 AUTH CRAM-MD5 GSSAPI\r\n',
      ),
    )
    recorder.tlsEstablished()
    recorder.onServerData(Buffer.from('250-x\r\n250 AUTH CRAM-MD5 PLAIN\r\n'))
    const { conditions } = recorder.transcript(about)
    assert.equal(conditions, 'tls=offered, mechanisms=PLAIN CRAM-MD5, smtputf8=yes, binarymime=yes')
    assert.equal(readConditions(conditions).settings.tls, 'offered')
  })

  it('is bounded, and says so', () => {
    const recorder = new Recorder({ keepCredentials: false, secure: false })
    for (let round = 0; round < 300; round++) recorder.onClientData(Buffer.alloc(64 * 1024, 'a\r\n'))
    const text = bodyOf(recorder)
    assert.match(text, /# more than \d+ bytes; the rest was not recorded\n$/)
    const line = new Recorder({ keepCredentials: false, secure: false })
    for (let round = 0; round < 3; round++) line.onClientData(Buffer.alloc(64 * 1024, 'a'))
    assert.equal(bodyOf(line), '? connect\n# a line is longer than 64 KiB; the rest was not recorded\n')
  })
})

describe('a secret in AUTH', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const plain = base64('\0tim\0hush')
  const [tim, hush] = [base64('tim'), base64('hush')]
  const hidden = { plain: base64('\0user\0secret'), user: base64('user'), password: base64('secret') }

  for (const [what, pieces, body] of [
    [
      'PLAIN with a response',
      [`CAUTH PLAIN ${plain}\r\n`, 'S235 y\r\n'],
      `C: AUTH PLAIN ${hidden.plain}\nS: 235 y\n`,
    ],
    [
      'PLAIN with odd spaces',
      [`C auth  plain\t${plain} \r\n`, 'S235 y\r\n'],
      `C~  auth  plain\\t${hidden.plain}\\r\\n\nS: 235 y\n`,
    ],
    [
      'PLAIN with a challenge',
      ['CAUTH PLAIN\r\n', 'S334 \r\n', `C${plain}\r\n`, 'S235 y\r\n'],
      `C: AUTH PLAIN\nS: 334 \nC: ${hidden.plain}\nS: 235 y\n`,
    ],
    [
      'LOGIN',
      ['CAUTH LOGIN\r\n', 'S334 x\r\n', `C${tim}\r\n`, 'S334 x\r\n', `C${hush}\r\n`, 'S535 n\r\n'],
      `C: AUTH LOGIN\nS: 334 x\nC: ${hidden.user}\nS: 334 x\nC: ${hidden.password}\nS: 535 n\n`,
    ],
    [
      'LOGIN in one go',
      [`CNOOP\r\nAUTH LOGIN\r\n${tim}\r\n${hush}\r\nNOOP\r\n`, 'S250 x\r\n'],
      `C: NOOP\nC: AUTH LOGIN\nC: ${hidden.user}\nC: ${hidden.password}\nC: NOOP\nS: 250 x\n`,
    ],
    [
      'LOGIN that does not wait for the reply to the command before',
      ['CEHLO x\r\nAUTH LOGIN\r\n', 'S250 x\r\n', `C${tim}\r\n${hush}\r\n`],
      `C: EHLO x\nC: AUTH LOGIN\nS: 250 x\nC: ${hidden.user}\nC: ${hidden.password}\n`,
    ],
    [
      'LOGIN after a refused command',
      ['CVRFY x\r\nAUTH LOGIN\r\n', 'S550 x\r\n', `C${tim}\r\n${hush}\r\n`],
      `C: VRFY x\nC: AUTH LOGIN\nS: 550 x\nC: ${hidden.user}\nC: ${hidden.password}\n`,
    ],
    [
      'CRAM-MD5',
      ['CAUTH CRAM-MD5\r\n', 'S334 x\r\n', `C${base64('tim 0123')}\r\n`, 'S235 y\r\n'],
      `C: AUTH CRAM-MD5\nS: 334 x\nC: ${base64(`user ${'0'.repeat(32)}`)}\nS: 235 y\n`,
    ],
    [
      'an unknown mechanism',
      ['CAUTH X a\r\n', 'S334 x\r\n', 'Cb\r\n', 'S334 x\r\n', 'Cc\r\n', 'S235 y\r\n', 'CNOOP\r\n'],
      `C: AUTH X ${hidden.password}\nS: 334 x\nC: ${hidden.password}\nS: 334 x\nC: ${hidden.password}\nS: 235 y\nC: NOOP\n`,
    ],
    [
      'a response in two pieces',
      ['CAUTH PL', 'S250 x\r\n', `CAIN ${plain.slice(0, 5)}`, 'S250 x\r\n', `C${plain.slice(5)}\r\n`],
      `S: 250 x\nS: 250 x\nC: AUTH PLAIN ${hidden.plain}\n`,
    ],
    [
      'a refused LOGIN, if the client continues with it',
      [
        'CAUTH LOGIN\r\n',
        'S530 n\r\n',
        `C${tim}\r\n`,
        'S500 n\r\n',
        `C${hush}\r\n`,
        'S500 n\r\n',
        'CQUIT\r\n',
      ],
      `C: AUTH LOGIN\nS: 530 n\nC: ${hidden.user}\nS: 500 n\nC: ${hidden.password}\nS: 500 n\nC: QUIT\n`,
    ],
    [
      'a refused response in two pieces',
      ['CAUTH X\r\n', 'S504 n\r\n', `C${plain.slice(0, 5)}`, 'S421 x\r\n', `C${plain.slice(5)}\r\n`],
      `C: AUTH X\nS: 504 n\nS: 421 x\nC: ${hidden.password}\n`,
    ],
    [
      'malformed AUTH',
      [`CAUTH\0PLAIN\0${plain}\r\n`, 'S500 n\r\n', `CAUTH=PLAIN ${plain}\r\nAUTH ${plain}${plain}==\r\n`],
      `C~ AUTH\\0${hidden.password}\\r\\n\nS: 500 n\nC: AUTH=PLAIN ${hidden.plain}\nC: AUTH ${hidden.password}\n`,
    ],
    [
      'a secret that the server repeats',
      [`CAUTH PLAIN ${plain}\r\n`, `S500-What is "${plain}"?\r\n500 ${plain.toUpperCase()}: what?\r\n`],
      `C: AUTH PLAIN ${hidden.plain}\nS: 500-What is "..."?\nS: 500 ...: what?\n`,
    ],
    [
      'AUTH after DATA without 354',
      [`CDATA\r\nAUTH PLAIN ${plain}\r\n`, 'S503 x\r\n', 'S235 y\r\n'],
      `C: DATA\nC: AUTH PLAIN ${hidden.plain}\nS: 503 x\nS: 235 y\n`,
    ],
    [
      'AUTH after a message that was complete before 354',
      ['CDATA\r\nx\r\n.\r\n', 'S354 x\r\n', `CAUTH PLAIN ${plain}\r\n`, 'S250 y\r\n'],
      `C: DATA\nC: x\nC: .\nS: 354 x\nC: AUTH PLAIN ${hidden.plain}\nS: 250 y\n`,
    ],
    [
      'AUTH after a chunk whose command came in two pieces',
      ['CNOOP\r\nBDAT 5', 'S250 x\r\n', `C\r\nhelloAUTH PLAIN ${plain}\r\n`, 'S250 y\r\n'],
      `C: NOOP\nS: 250 x\nC: BDAT 5\nC: helloAUTH PLAIN ${hidden.plain}\nS: 250 y\n`,
    ],
    [
      'a cancelled login',
      ['CAUTH PLAIN\r\n', 'S334 \r\n', 'C*\r\n', 'S501 n\r\n'],
      'C: AUTH PLAIN\nS: 334 \nC: *\nS: 501 n\n',
    ],
  ] as const)
    it(`is not recorded: ${what}`, () => {
      const text = recorded(pieces)
      assert.equal(text.replace('? connect\n', ''), body)
    })

  it('is not recorded: a line that the end of the connection cuts', () => {
    const recorder = new Recorder({ keepCredentials: false, secure: false })
    recorder.onClientData(Buffer.from(`AUTH PLAIN ${plain}`))
    recorder.clientEnds()
    assert.equal(bodyOf(recorder), `C~ AUTH PLAIN ${hidden.plain}\n* hangs up\n`)
  })

  it('is recorded in content', () => {
    const body = recorded(['CDATA\r\n', 'S354 x\r\n', `CAUTH PLAIN ${plain}\r\n.\r\n`, 'S250 y\r\n'])
    assert.match(body, new RegExp(`^C: AUTH PLAIN ${plain}$`, 'm'))
    const refused = recorded(['CDATA\r\n', 'S503 x\r\n', `CAUTH PLAIN ${plain}\r\n`, 'S235 y\r\n'])
    assert.doesNotMatch(refused, new RegExp(plain))
  })

  it('is recorded with keepCredentials', () =>
    assert.match(recorded([`CAUTH PLAIN ${plain}\r\n`], true), new RegExp(`^C: AUTH PLAIN ${plain}$`, 'm')))

  it('is replaced so that this engine can play the transcript', () => {
    const pieces = [
      'S220 x\r\n',
      'CEHLO c\r\n',
      'S250-x\r\n250 AUTH PLAIN\r\n',
      `CAUTH PLAIN ${plain}\r\n`,
      'S235 y\r\n',
    ]
    const recorder = new Recorder({ keepCredentials: false, secure: false })
    for (const piece of pieces)
      piece.startsWith('C')
        ? recorder.onClientData(Buffer.from(piece.slice(1)))
        : recorder.onServerData(Buffer.from(piece.slice(1)))
    const transcript = recorder.transcript(about)
    const played = asWritten(transcript, readConditions(transcript.conditions))
    assert.match(writeTranscript(played), /^\? login PLAIN user "secret"$/m)
  })
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import {
  asWritten,
  byteByByte,
  cutInTwo,
  type LoopbackOptions,
  overLoopback,
  readConditions,
  readTranscript,
  withLateAnswers,
  writeTranscript,
} from '../../src/transcript/index.ts'

const header = 'Title: A play\nSpec: RFC 5321\n\n'
const played = `${header}? connect
S: 220 relay.test Relay ESMTP Service ready
# First a name.
C: HELO client.test
S: 250 relay.test greets client.test

C: MAIL FROM:<a@s.example>
C: RCPT TO:<b@r.example>
C: RCPT TO:<c@r.example>
C: DATA
? sender <a@s.example>
S: 250 2.1.0 Ok
? recipient <b@r.example>
S: 250 2.1.5 Ok
? recipient <c@r.example>
! 550 5.1.1 No
S: 550 5.1.1 No
? message
S: 354 Start mail input; end with <CRLF>.<CRLF>
C: a
C: .
M: a
? delivery 3
S: 250 2.0.0 Ok
`
const options: LoopbackOptions = {
  certificate: {
    cert: readFileSync(new URL('../../fixtures/tls/certificate.pem', import.meta.url)),
    key: readFileSync(new URL('../../fixtures/tls/key.pem', import.meta.url)),
  },
  timeoutMs: 300,
  silenceMs: 100,
}

const runners = Object.entries({ asWritten, byteByByte, cutInTwo, withLateAnswers, overLoopback })

for (const [name, runner] of runners)
  describe(name, () => {
    const play = async (text: string) => {
      const transcript = readTranscript(text, 'play.smtp')
      return writeTranscript(await runner(transcript, readConditions(transcript.conditions), options))
    }

    it('does not change a transcript that is right', async () => {
      assert.equal(await play(played), played)
    })

    const changes: [what: string, from: string, to: string][] = [
      ['another reply', 'S: 250 2.0.0 Ok', 'S: 250 2.0.0 Certainly'],
      ['another question', '? recipient <b@r.example>', '? recipient <b@other.example>'],
      ['other content', 'M: a', 'M: b'],
      ['another size', '? delivery 3', '? delivery 4'],
      ['a missing reply', 'S: 250 2.0.0 Ok\n', 'S: 250 2.0.0 Ok\nS: 250 2.0.0 Ok\n'],
      ['a missing close', 'S: 250 2.0.0 Ok\n', 'S: 250 2.0.0 Ok\n> close\n'],
      ['an unexpected reply', 'S: 250 2.0.0 Ok\n', ''],
      ['an unexpected question', '? message\n', ''],
      ['unexpected content', 'M: a\n', ''],
    ]
    for (const [what, from, to] of changes)
      it(`finds the difference: ${what}`, async () => {
        const changed = played.replace(from, to)
        assert.notEqual(changed, played)
        assert.notEqual(await play(changed), changed)
        // Over a socket, the order of replies and questions cannot be seen.
        if (runner !== overLoopback) assert.equal(await play(changed), played)
      })

    it('keeps an answer whose question is not asked, so that it is a difference', async () => {
      const changed = played.replace('S: 354', '? login PLAIN tim "secret"\n! 535 5.7.8 No\nS: 354')
      assert.notEqual(await play(changed), changed)
      assert.match(await play(changed), /^! 535 5\.7\.8 No$/m)
    })
  })

it('a transcript without server lines gets all of them', () => {
  const draft = `${header}? connect
C: HELO client.test
C: QUIT
`
  const { conditions } = readTranscript(draft, 'draft.smtp')
  assert.equal(
    writeTranscript(asWritten(readTranscript(draft, 'draft.smtp'), readConditions(conditions))),
    `${header}? connect
S: 220 relay.test Relay ESMTP Service ready
C: HELO client.test
C: QUIT
S: 250 relay.test greets client.test
S: 221 2.0.0 relay.test Relay closing connection
> close
`,
  )
})

it('a message of 150,000 lines is played like any other', () => {
  const content = Array.from({ length: 150_000 }, (_, number) => `C: ${number}`).join('\n')
  const text = `${header}? connect\nC: HELO c\nC: MAIL FROM:<a@s.example>\nC: RCPT TO:<b@r.example>\nC: DATA\n${content}\nC: .\n`
  const transcript = asWritten(readTranscript(text, 'long.smtp'), readConditions(''))
  const golden = writeTranscript(transcript)
  assert.match(golden, /^M: 149999\n\? delivery \d+$/m)
  assert.equal(writeTranscript(asWritten(readTranscript(golden, 'long.smtp'), readConditions(''))), golden)
})

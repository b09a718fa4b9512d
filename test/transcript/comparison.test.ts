import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compareReplies } from '../../src/transcript/replay/comparison.ts'
import { type ParsedReply, ReplyReader, repliesOf } from '../../src/transcript/replay/reply-reader.ts'

function parsed(text: string): ParsedReply[] {
  const reader = new ReplyReader()
  reader.feed(text)
  const replies = []
  for (let reply = reader.take(); reply !== undefined; reply = reader.take()) replies.push(reply)
  return replies
}

describe('a parsed reply', () => {
  it('has all of its lines', () => {
    const replies = parsed('250-a\r\n250-SIZE 10\r\n250 HELP\r\n221 2.0.0 Bye\r\n250 half')
    assert.deepEqual(
      replies.map(({ code, statusClass, lines }) => [code, statusClass, lines.length]),
      [
        [250, undefined, 3],
        [221, '2', 1],
      ],
    )
  })

  it('does not depend on how its bytes are split', () => {
    const text = '250-a\r\n250 b\r\n550 5.1.1 No\r\n'
    const reader = new ReplyReader()
    for (const letter of text) reader.feed(letter)
    assert.deepEqual([reader.take(), reader.take(), reader.replyCount], [...parsed(text), 0])
  })

  for (const [what, text] of Object.entries({
    'a line without a code': 'hello\r\n',
    'a code that is not allowed': '199 x\r\n',
    'a character other than a space after the code': '250_x\r\n',
    'lines of different codes': '250-a\r\n550 b\r\n',
    'a lone LF at the end': '250 a\n',
    'a lone CR within': '250 a\rb\r\n',
    'no end within 64 KiB': `250 ${'a'.repeat(70_000)}`,
    'lines without end': '250-abcdefgh\r\n'.repeat(10_000),
  }))
    it(`has no code if it is ${what}`, () => assert.equal(parsed(text)[0]!.code, undefined))

  it('is not read while too many are buffered', () => {
    const reader = new ReplyReader()
    while (!reader.isFull) reader.feed('250 abcdefghijklmnopqrstuvwxyz\r\n')
    assert.ok(reader.replyCount * 32 < 1_000_000)
  })
})

describe('two replies', () => {
  for (const [expected, got, match] of [
    ['250 2.1.0 Ok', '250 2.1.5 Recipient ok', 'same'],
    ['250 2.1.0 Ok', '250 Ok', 'same'],
    ['250 2.1.0 Ok', '250-Ok\r\n250 really', 'same'],
    ['250 Ok', '251 Will forward', 'other code'],
    ['501 5.5.4 No', '500 5.5.2 No', 'other code'],
    ['550 5.1.1 No', '550 4.1.1 No', 'different'],
    ['550 5.1.1 No', '450 4.2.1 Later', 'different'],
    ['354 Go', '250 Ok', 'different'],
    ['250 Ok', 'Ok', 'different'],
  ] as const)
    it(`are ${match}: ${expected} and ${JSON.stringify(got)}`, () =>
      assert.equal(compareReplies(repliesOf([expected])[0]!, parsed(`${got}\r\n`)[0]!), match))
})

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { EncodedContent, type Encoding } from '../../src/relay/aws/encoded-content.ts'

/** Content in pieces: of all bytes, of those that a form must escape most, of text; up to some blocks long. */
const pieces = fc.array(
  fc.tuple(fc.constantFrom('any', 'ÿ', '>>>', 'text\r\n'), fc.integer({ min: 0, max: 70_000 })).map(piece),
  { maxLength: 6 },
)
const codings: readonly Encoding[] = ['json', 'form']
const tail = '&Source=a%40b'

for (const coding of codings) {
  test(`${coding}: the body is head, content in base64 and tail, with their length and hash`, () => {
    fc.assert(
      fc.property(pieces, mail => {
        const { parts, bytes, sha256 } = filled(coding, mail).payload(tail)
        const base64 = Buffer.concat(mail).toString('base64')
        const data = coding === 'form' ? encodeURIComponent(base64) : base64
        const body = Buffer.concat(parts)
        assert.equal(body.toString('latin1'), `head=${data}${tail}`)
        assert.equal(bytes, body.length)
        assert.equal(sha256, createHash('sha256').update(body).digest('hex'))
      }),
    )
  })

  test(`${coding}: the content can be read back`, () => {
    fc.assert(
      fc.property(pieces, mail => {
        const content = filled(coding, mail)
        assert.equal(content.size, Buffer.concat(mail).length)
        for (const _ of [1, 2]) assert.ok(Buffer.concat([...content]).equals(Buffer.concat(mail)))
      }),
    )
  })

  test(`${coding}: memory is counted exactly, and never more than predicted`, () => {
    fc.assert(
      fc.property(pieces, mail => {
        const content = new EncodedContent(coding, 'head=')
        const most = content.memoryBytesWith(Buffer.concat(mail).length)
        for (const bytes of mail) {
          const next = content.memoryBytesWith(bytes.length)
          content.add(bytes)
          assert.ok(content.memoryBytes <= next, `${content.memoryBytes} of ${next}`)
        }
        content.finish()
        assert.ok(content.memoryBytes <= most)
        const { parts } = content.payload('')
        assert.equal(
          content.memoryBytes,
          parts.reduce((sum, part) => sum + part.length, 0),
        )
        for (const part of parts) assert.equal(part.buffer.byteLength, part.length)
      }),
    )
  })
}

test('calls of one message share the encoded content', () => {
  const content = filled('json', [piece(['any', 100_000])])
  const [first, second] = [content.payload('"one'), content.payload('"two')]
  for (const [n, part] of first.parts.slice(0, -1).entries()) assert.equal(part, second.parts[n])
  for (const { parts, sha256 } of [first, second]) {
    assert.equal(sha256, createHash('sha256').update(Buffer.concat(parts)).digest('hex'))
  }
})

test('content in another encoding is encoded again', () => {
  const mail = [Buffer.from('a'), Buffer.from('?>b')]
  const other = filled('form', mail)
  for (const content of [mail, other, filled('json', mail, 'other=')]) {
    const encoded = EncodedContent.of(content, 'json', 'head=')
    assert.equal(
      Buffer.concat(encoded.payload('').parts).toString(),
      `head=${Buffer.concat(mail).toString('base64')}`,
    )
  }
  assert.equal(EncodedContent.of(other, 'form', 'head='), other)
})

test('a mebibyte that arrives one byte at a time becomes a few parts', () => {
  const content = new EncodedContent('json', '')
  for (let n = 0; n < 1 << 20; n++) content.add(Buffer.of(n & 0xff))
  assert.ok(content.payload('').parts.length <= 30)
})

function filled(coding: Encoding, mail: readonly Buffer[], head = 'head='): EncodedContent {
  const content = new EncodedContent(coding, head)
  for (const bytes of mail) content.add(bytes)
  return content
}

function piece([kind, length]: readonly [string, number]): Buffer {
  if (kind !== 'any') return Buffer.alloc(length, kind, 'latin1')
  return Buffer.from(Array.from({ length }, (_, n) => (n * 101 + length) & 0xff))
}

import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { passLines } from '../../src/program/workers/forward-lines.ts'

const text = 'first\nsecond, ä€😀\n\nlast'

test('however the bytes come, whole lines are passed on, and nothing is lost', async () => {
  const bytes = Buffer.from(text)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 8 }), async cuts => {
      const from = new PassThrough()
      const written: string[] = []
      const ended = passLines(from, lines => written.push(lines))
      let begin = 0
      for (const cut of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
        from.write(bytes.subarray(begin, cut))
        begin = cut
        await new Promise(resolve => setImmediate(resolve))
      }
      from.end()
      await ended
      assert.equal(written.join(''), `${text}\n`)
      for (const lines of written) assert.ok(lines.endsWith('\n'), lines)
    }),
  )
})

test('a line goes on as soon as it is whole', async () => {
  const from = new PassThrough()
  const line = new Promise<string>(resolve => void passLines(from, resolve))
  from.write('a line')
  from.write('\nand a ')
  assert.equal(await line, 'a line\n')
})

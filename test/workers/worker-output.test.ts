import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { dedupe, passLines } from '../../src/program/workers/worker-output.ts'

const text = 'first\nsecond, ä€😀\n\nlast'

test('whole lines are passed on and nothing is lost, however the bytes arrive', async () => {
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

test('a line is passed on as soon as it is complete', async () => {
  const from = new PassThrough()
  const line = new Promise<string>(resolve => void passLines(from, resolve))
  from.write('a line')
  from.write('\nand a ')
  assert.equal(await line, 'a line\n')
})

/** `notify` passes on notices once, and `written` has those that were. */
function withClock() {
  const written: string[] = []
  const clock = { ms: 0 }
  const notify = dedupe(
    text => written.push(text),
    () => clock.ms,
  )
  return { written, clock, notify }
}

test('a notice of several workers is written once', () => {
  const { written, clock, notify } = withClock()
  for (const worker of [2, 0, 1]) {
    notify('TLS certificate reloaded', worker)
    clock.ms += 2_000
  }
  notify('something else', 1)
  assert.deepEqual(written, ['TLS certificate reloaded', 'something else'])
})

test('a notice that a worker repeats is written twice, and the others repeat it with it', () => {
  const { written, notify } = withClock()
  for (const worker of [0, 1, 1, 0, 2]) notify('reloaded', worker)
  assert.deepEqual(written, ['reloaded', 'reloaded'])
})

test('a notice is written again after some time', () => {
  const { written, clock, notify } = withClock()
  notify('reloaded', 0)
  clock.ms = 60_000
  notify('reloaded', 1)
  assert.equal(written.length, 2)
})

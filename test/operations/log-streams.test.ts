import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogSink, type LogStream } from '../../src/operations/log-streams.ts'
import { nonBlocking } from '../../src/operations/terminal-stream.ts'

/** A stream whose reader takes nothing until it is told to. */
class Slow implements LogStream {
  readonly texts: string[] = []
  writableLength = 0
  #waiting: (() => void)[] = []

  write(text: string, done?: () => void): void {
    this.texts.push(text)
    this.writableLength += text.length
    if (done !== undefined) this.#waiting.push(done)
    if (this.writableLength === 0) this.take()
  }

  /** @param left bytes that still wait; 0: all were taken */
  take(left = 0): void {
    this.writableLength = left
    if (left === 0) for (const done of this.#waiting.splice(0)) done()
  }

  on(): void {}
}

const megabyte = `${'x'.repeat(1024 * 1024 - 1)}\n`

test('a reader that reads again is told once how many lines it has missed', () => {
  const [out, err] = [new Slow(), new Slow()]
  const writers = createLogSink(out, err)
  for (let i = 0; i < 16; i++) writers.out(megabyte)
  writers.out('one\ntwo\n')
  out.take(9 * 1024 * 1024)
  writers.out('three\n')
  assert.equal(out.texts.length, 16)
  out.take()
  writers.out('four\n')
  writers.out('five\n')
  assert.equal(out.texts.length, 19)
  const [told = '', ...lines] = out.texts.slice(16)
  assert.equal(JSON.parse(told).Error, '3 lines of the log were lost here: nothing read them in time')
  assert.deepEqual(lines, ['four\n', 'five\n'])
  assert.equal(err.texts.length, 1)
})

test('at the end lines are waited for, but not for ever', async () => {
  const [out, err] = [new Slow(), new Slow()]
  const writers = createLogSink(out, err)
  await writers.flush()
  writers.out('one\n')
  let flushed = false
  const flushing = writers.flush().then(() => (flushed = true))
  await new Promise(resolve => setTimeout(resolve, 20))
  assert.equal(flushed, false)
  out.take()
  await flushing
  writers.err('two\n')
  const begun = performance.now()
  await writers.flush()
  assert.ok(performance.now() - begun > 900)
})

test('what is no terminal, or cannot be opened again, is written to as before', () => {
  const pipe = Object.assign(new Slow(), { fd: 1 })
  assert.equal(nonBlocking(pipe), pipe)
  const closed = Object.assign(new Slow(), { fd: 999_999, isTTY: true })
  assert.equal(nonBlocking(closed), closed)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogSink, type LogStream } from '../../src/operations/log-streams.ts'
import { nonBlocking } from '../../src/operations/terminal-stream.ts'

/** A stream whose reader takes nothing until `take` is called. */
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

  /** @param left bytes that still wait; 0: all are taken */
  take(left = 0): void {
    this.writableLength = left
    if (left === 0) for (const done of this.#waiting.splice(0)) done()
  }

  on(): void {}
}

const megabyte = `${'x'.repeat(1024 * 1024 - 1)}\n`

test('a reader that continues gets one line that says how many it has missed', () => {
  const [out, err] = [new Slow(), new Slow()]
  const sink = createLogSink(out, err)
  for (let i = 0; i < 16; i++) sink.out(megabyte)
  sink.out('one\ntwo\n')
  out.take(9 * 1024 * 1024)
  sink.out('three\n')
  assert.equal(out.texts.length, 16)
  out.take()
  sink.out('four\n')
  sink.out('five\n')
  assert.equal(out.texts.length, 19)
  const [report = '', ...lines] = out.texts.slice(16)
  assert.equal(JSON.parse(report).Error, '3 log lines were lost here, because stdout was not being read')
  assert.deepEqual(lines, ['four\n', 'five\n'])
  assert.equal(err.texts.length, 1)
})

test('flush waits for a slow reader, but not longer than it may, and then reports what is lost', async () => {
  const [out, err] = [new Slow(), new Slow()]
  const sink = createLogSink(out, err)
  await sink.flush(1_000)
  sink.out('one\n')
  let flushed = false
  const flushing = sink.flush(10_000).then(() => (flushed = true))
  await new Promise(resolve => setTimeout(resolve, 20))
  assert.equal(flushed, false)
  out.take()
  await flushing
  assert.deepEqual(err.texts.filter(Boolean), [])
  sink.out('two\nthree\n')
  sink.out('four\n')
  const started = performance.now()
  await sink.flush(500)
  const passedMs = performance.now() - started
  assert.ok(passedMs > 450 && passedMs < 5_000, `${passedMs}`)
  const [report = '', ...more] = err.texts.filter(Boolean)
  assert.equal(JSON.parse(report).Error, 'stdout is not being read; up to 3 log lines were lost at the end')
  assert.deepEqual(more, [])
})

test('lines that were dropped before are reported at the end, too', async () => {
  const [out, err] = [new Slow(), new Slow()]
  const sink = createLogSink(out, err)
  for (let i = 0; i < 16; i++) sink.err(megabyte)
  sink.err('one\ntwo\n')
  await sink.flush(10)
  const texts = out.texts.filter(Boolean).map(text => JSON.parse(text).Error)
  assert.deepEqual(texts, [
    'stderr is not being read; dropping log lines',
    'stderr is not being read; up to 18 log lines were lost at the end',
  ])
})

test('a stream that is no terminal, or cannot be opened again, is returned unchanged', () => {
  const pipe = Object.assign(new Slow(), { fd: 1 })
  assert.equal(nonBlocking(pipe), pipe)
  const closed = Object.assign(new Slow(), { fd: 999_999, isTTY: true })
  assert.equal(nonBlocking(closed), closed)
})

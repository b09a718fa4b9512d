import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Progress } from '../src/support/progress.ts'

/** What a terminal, or a pipe, was given. */
function stage(
  isTTY: boolean,
  { columns = 80, elsewhereMs }: { columns?: number; elsewhereMs?: number } = {},
) {
  const written: string[] = []
  const clock = { ms: 0 }
  const stream = { isTTY, columns, write: (text: string) => written.push(text) > 0 }
  const settings = { now: () => clock.ms, ...(elsewhereMs !== undefined && { elsewhereMs }) }
  return { written, clock, progress: new Progress(stream as never, 'mails', settings) }
}

test('a terminal shows count, share, rate and time left on one line', () => {
  const { written, clock, progress } = stage(true)
  clock.ms = 10_000
  progress.show(1000, 0.25, '3 differ')
  clock.ms = 20_000
  progress.show(10, 0.001)
  clock.ms = 30_000
  progress.show(100, 1.01)
  assert.deepEqual(written, [
    '\r\x1b[K1000 mails (25 %), 100 a second, 0:30 left, 3 differ',
    '\r\x1b[K10 mails (0 %), 0.5 a second, 5:33:00 left',
    '\r\x1b[K100 mails (100 %), 3.3 a second, 0:00 left',
  ])
})

test('where nothing is known of the end it is not guessed', () => {
  const { written, clock, progress } = stage(true)
  clock.ms = 1000
  progress.show(5, 0)
  assert.deepEqual(written, ['\r\x1b[K5 mails (0 %), 5.0 a second'])
})

test('a line is written a few times a second at most, and cleared once', () => {
  const { written, clock, progress } = stage(true)
  progress.clear()
  for (clock.ms = 0; clock.ms < 1000; clock.ms++) progress.show(clock.ms, clock.ms / 1000)
  assert.equal(written.length, 4)
  progress.clear()
  progress.clear()
  assert.deepEqual(written.slice(4), ['\r\x1b[K'])
})

test('what is no terminal is given nothing', () => {
  const { written, clock, progress } = stage(false)
  clock.ms = 10_000
  progress.show(1, 0.5)
  progress.clear()
  assert.deepEqual(written, [])
})

test('where that is wanted, it is given a line now and then', () => {
  const { written, clock, progress } = stage(false, { elsewhereMs: 30_000 })
  for (clock.ms = 1000; clock.ms <= 60_000; clock.ms += 1000) progress.show(clock.ms / 1000, 0.5)
  progress.clear()
  assert.deepEqual(written, [
    '30 mails (50 %), 1.0 a second, 0:30 left\n',
    '60 mails (50 %), 1.0 a second, 1:00 left\n',
  ])
})

test('what does not fit in the line is left out, so that it never wraps', () => {
  const { written, clock, progress } = stage(true, { columns: 20 })
  clock.ms = 1000
  progress.show(5, 0.5, 'more than fits')
  assert.deepEqual(written, ['\r\x1b[K5 mails (50 %), 5.0'])
})

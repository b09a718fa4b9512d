import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Readiness } from '../../src/operations/readiness.ts'
import type { CallOutcome } from '../../src/relay/index.ts'
import { Later } from '../support/recording-host.ts'

/** Readiness with a clock that the test moves. */
function withClock() {
  const clock = { now: 1_000_000 }
  const readiness = new Readiness(() => clock.now)
  const end = (...outcomes: readonly CallOutcome[]) => {
    for (const outcome of outcomes)
      readiness.onEvent({ type: 'call', relay: 'ses', outcome, durationMs: 1, isRetry: false })
  }
  return { readiness, clock, end }
}

const failing = (calls: number) => [`upstream: the latest ${calls} calls failed`]
const five = Array.from({ length: 5 }, () => 'temporary' as const)

test('a process is not ready before it listens, nor while it drains', async () => {
  const { readiness } = withClock()
  assert.deepEqual(await readiness.notReadyReasons(), ['not listening yet'])
  readiness.listening()
  assert.deepEqual(await readiness.notReadyReasons(), [])
  readiness.drain()
  assert.deepEqual(await readiness.notReadyReasons(), ['draining'])
  readiness.listening()
  assert.deepEqual(await readiness.notReadyReasons(), ['draining'])
})

test('the backend fails after five failed calls in a row, not after four', async () => {
  const { readiness, end } = withClock()
  readiness.listening()
  end(...five.slice(1))
  assert.deepEqual(await readiness.notReadyReasons(), [])
  end('temporary')
  assert.deepEqual(await readiness.notReadyReasons(), failing(5))
  end('temporary')
  assert.deepEqual(await readiness.notReadyReasons(), failing(6))
})

for (const outcome of ['accepted', 'permanent'] as const) {
  test(`one call that is ${outcome} ends the series of failures`, async () => {
    const { readiness, end } = withClock()
    readiness.listening()
    end(...five, outcome)
    assert.deepEqual(await readiness.notReadyReasons(), [])
    end(...five.slice(1))
    assert.deepEqual(await readiness.notReadyReasons(), [])
  })
}

test('throttling neither counts nor ends it', async () => {
  const { readiness, end } = withClock()
  readiness.listening()
  end(...Array.from({ length: 50 }, () => 'throttled' as const))
  assert.deepEqual(await readiness.notReadyReasons(), [])
  end(...five.slice(1), 'throttled', 'temporary', 'throttled')
  assert.deepEqual(await readiness.notReadyReasons(), failing(5))
})

test('30 s after the last failed call the process is ready again, until the next failure', async () => {
  const { readiness, clock, end } = withClock()
  readiness.listening()
  end(...five)
  clock.now += 29_999
  assert.deepEqual(await readiness.notReadyReasons(), failing(5))
  clock.now++
  assert.deepEqual(await readiness.notReadyReasons(), [])
  end('temporary')
  assert.deepEqual(await readiness.notReadyReasons(), failing(6))
})

test('the error of a check is a reason until a check succeeds, and checks are at least 5 s apart', async () => {
  const { readiness, clock } = withClock()
  let error: Error | undefined = new Error('MissingRegion: could not find\r\n\x1b[31mregion')
  let checks = 0
  readiness.listening(async () => {
    checks++
    if (error) throw error
  })
  const reason = ['AWS credentials: MissingRegion: could not find [31mregion']
  assert.deepEqual(await readiness.notReadyReasons(), reason)
  error = undefined
  clock.now += 4_999
  for (let probe = 0; probe < 10; probe++) assert.deepEqual(await readiness.notReadyReasons(), reason)
  assert.equal(checks, 1)
  clock.now++
  assert.deepEqual(await Promise.all([readiness.notReadyReasons(), readiness.notReadyReasons()]), [[], []])
  assert.equal(checks, 2)
})

test('a probe does not wait for a slow check: the previous result counts', async () => {
  const { readiness, clock } = withClock()
  const answers = [new Later<void>(), new Later<void>()]
  let checks = 0
  readiness.listening(() => answers[checks++]!.promise)
  const begun = performance.now()
  assert.deepEqual(await readiness.notReadyReasons(), ['AWS credentials: not checked yet'])
  assert.ok(performance.now() - begun < 1_000)
  answers[0]!.resolve()
  assert.deepEqual(await readiness.notReadyReasons(), [])
  clock.now += 5_000
  assert.deepEqual(await readiness.notReadyReasons(), [])
  answers[1]!.reject(new Error('gone'))
  assert.deepEqual(await readiness.notReadyReasons(), ['AWS credentials: gone'])
  assert.equal(checks, 2)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Readiness } from '../../src/operations/readiness.ts'
import type { CallOutcome } from '../../src/relay/index.ts'
import { Later } from '../support/recording-host.ts'

/** Readiness with a clock that stands still unless it is moved. */
function stage() {
  const clock = { now: 1_000_000 }
  const readiness = new Readiness(() => clock.now)
  const end = (...outcomes: readonly CallOutcome[]) => {
    for (const outcome of outcomes)
      readiness.mail({ type: 'call', relay: 'ses', outcome, durationMs: 1, isRetry: false })
  }
  return { readiness, clock, end }
}

const failing = (calls: number) => [`upstream: the latest ${calls} calls failed`]
const five = Array.from({ length: 5 }, () => 'temporary' as const)

test('nobody is ready before it listens, nor when it drains', async () => {
  const { readiness } = stage()
  assert.deepEqual(await readiness.notReadyReasons(), ['not listening yet'])
  readiness.serve()
  assert.deepEqual(await readiness.notReadyReasons(), [])
  readiness.drain()
  assert.deepEqual(await readiness.notReadyReasons(), ['draining'])
  readiness.serve()
  assert.deepEqual(await readiness.notReadyReasons(), ['draining'])
})

test('five calls in a row that fail are a backend that fails, four are not', async () => {
  const { readiness, end } = stage()
  readiness.serve()
  end(...five.slice(1))
  assert.deepEqual(await readiness.notReadyReasons(), [])
  end('temporary')
  assert.deepEqual(await readiness.notReadyReasons(), failing(5))
  end('temporary')
  assert.deepEqual(await readiness.notReadyReasons(), failing(6))
})

for (const outcome of ['accepted', 'permanent'] as const) {
  test(`one call that is ${outcome} ends that at once`, async () => {
    const { readiness, end } = stage()
    readiness.serve()
    end(...five, outcome)
    assert.deepEqual(await readiness.notReadyReasons(), [])
    end(...five.slice(1))
    assert.deepEqual(await readiness.notReadyReasons(), [])
  })
}

test('throttling neither counts nor ends it', async () => {
  const { readiness, end } = stage()
  readiness.serve()
  end(...Array.from({ length: 50 }, () => 'throttled' as const))
  assert.deepEqual(await readiness.notReadyReasons(), [])
  end(...five.slice(1), 'throttled', 'temporary', 'throttled')
  assert.deepEqual(await readiness.notReadyReasons(), failing(5))
})

test('after 30 s without a call mail may try again, and the next failure is one too many', async () => {
  const { readiness, clock, end } = stage()
  readiness.serve()
  end(...five)
  clock.now += 29_999
  assert.deepEqual(await readiness.notReadyReasons(), failing(5))
  clock.now++
  assert.deepEqual(await readiness.notReadyReasons(), [])
  end('temporary')
  assert.deepEqual(await readiness.notReadyReasons(), failing(6))
})

test('what is missing is a reason until it is there, and is looked for every 5 s at most', async () => {
  const { readiness, clock } = stage()
  let error: Error | undefined = new Error('MissingRegion: could not find\r\n\x1b[31mregion')
  let checks = 0
  readiness.serve(async () => {
    checks++
    if (error) throw error
  })
  const reason = ['region and credentials: MissingRegion: could not find [31mregion']
  assert.deepEqual(await readiness.notReadyReasons(), reason)
  error = undefined
  clock.now += 4_999
  for (let probe = 0; probe < 10; probe++) assert.deepEqual(await readiness.notReadyReasons(), reason)
  assert.equal(checks, 1)
  clock.now++
  assert.deepEqual(await Promise.all([readiness.notReadyReasons(), readiness.notReadyReasons()]), [[], []])
  assert.equal(checks, 2)
})

test('a check that takes long keeps no probe waiting: what was found before counts', async () => {
  const { readiness, clock } = stage()
  const answers = [new Later<void>(), new Later<void>()]
  let checks = 0
  readiness.serve(() => answers[checks++]!.promise)
  const begun = performance.now()
  assert.deepEqual(await readiness.notReadyReasons(), ['region and credentials: not looked for yet'])
  assert.ok(performance.now() - begun < 1_000)
  answers[0]!.resolve()
  assert.deepEqual(await readiness.notReadyReasons(), [])
  clock.now += 5_000
  assert.deepEqual(await readiness.notReadyReasons(), [])
  answers[1]!.reject(new Error('gone'))
  assert.deepEqual(await readiness.notReadyReasons(), ['region and credentials: gone'])
  assert.equal(checks, 2)
})

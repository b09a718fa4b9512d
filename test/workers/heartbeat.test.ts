import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Heartbeat, pingMs } from '../../src/program/workers/heartbeat.ts'

/** Sends the pings of this many seconds, without answers. */
function pass(heartbeat: Heartbeat, seconds: number): void {
  for (let ping = 0; ping < (seconds * 1000) / pingMs; ping++) heartbeat.ping()
}

test('a worker that does not answer for 10 s is silent, and after 30 s it hangs', () => {
  const heartbeat = new Heartbeat()
  heartbeat.ready()
  const seen = []
  for (let seconds = 0; seconds <= 40; seconds += pingMs / 1000) {
    seen.push([heartbeat.isSilent, heartbeat.isHung])
    heartbeat.ping()
  }
  const [yes, no] = [true, false]
  assert.deepEqual(seen, [
    [no, no],
    [no, no],
    [no, no],
    [yes, no],
    [yes, no],
    [yes, no],
    [yes, no],
    [yes, yes],
    [yes, yes],
  ])
})

test('one answer is enough after any number of pings', () => {
  const heartbeat = new Heartbeat()
  heartbeat.ready()
  for (let round = 0; round < 10; round++) {
    pass(heartbeat, 30)
    assert.deepEqual([heartbeat.isSilent, heartbeat.isHung], [true, false])
    heartbeat.answer()
    assert.deepEqual([heartbeat.isSilent, heartbeat.isHung], [false, false])
  }
})

test('a process that has just started has two minutes, and does not count as silent', () => {
  const heartbeat = new Heartbeat()
  pass(heartbeat, 120)
  assert.deepEqual([heartbeat.isSilent, heartbeat.isHung], [false, false])
  heartbeat.ready()
  pass(heartbeat, 30)
  assert.equal(heartbeat.isHung, false)
  const never = new Heartbeat()
  pass(never, 125)
  assert.equal(never.isHung, true)
})

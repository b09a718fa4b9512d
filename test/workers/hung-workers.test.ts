import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AdminClient } from '../program/admin-client.ts'
import { within } from '../support/deadline.ts'
import { freePort } from '../support/free-port.ts'
import { processEnded, RelayCluster } from '../support/relay-cluster.ts'

// Each of these tests waits for more than the 30 s after which a worker counts as hung.
describe('with several workers', { concurrency: true }, () => {
  it('workers that hang are replaced after 30 s, and until then the program is not healthy', async t => {
    // If all workers die at once, the next ones get another port for port 0.
    const address = `127.0.0.1:${await freePort()}`
    const crew = await RelayCluster.start(t, 2, { args: ['-a', address, '--admin', '127.0.0.1:0'] })
    const observed = new AdminClient(crew.relay)
    const pids = [...(await crew.reachAllWorkers())]
    assert.deepEqual(await observed.get('/healthz'), { status: 200, text: 'ok\n' })
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    const health = async (status: number) => {
      for (;;) {
        const answer = await observed.get('/healthz')
        if (answer.status === status) return answer
        await sleep(100)
      }
    }
    assert.deepEqual(await within(health(503), 'bad health', undefined, 25_000), {
      status: 503,
      text: 'workers: none of 2 answers\n',
    })
    await within(health(200), 'good health', () => crew.relay.stderr.all.join('\n'), 40_000)
    for (const pid of pids) {
      await crew.relay.stderr.find(
        new RegExp(`^Worker [12] \\(pid ${pid}\\) did not answer for 30 s and was killed; restarting now$`),
      )
      await processEnded(pid)
    }
    for (const pid of await crew.reachAllWorkers()) assert.ok(!pids.includes(pid))
  })

  it('no worker counts as hung after the whole program was suspended', async t => {
    const crew = await RelayCluster.start(t, 2)
    const pids = await crew.reachAllWorkers()
    const all = [crew.relay.pid, ...pids]
    for (const pid of all) process.kill(pid, 'SIGSTOP')
    await sleep(36_000)
    for (const pid of all) process.kill(pid, 'SIGCONT')
    await sleep(6_000)
    assert.deepEqual(await crew.reachAllWorkers(), pids)
    assert.doesNotMatch(crew.relay.stderr.all.join('\n'), /did not answer/)
  })
})

// Loaded into a measured process ahead of it (`node --import`): tells where and when it listens, and answers over IPC what
// it has used so far.
import { readFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { createRequire } from 'node:module'
import { Server } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'

// A busy loop is seen as a timer that is late; where in its millisecond it struck is not, so that is the error.
const resolutionMs = 1
const delay = monitorEventLoopDelay({ resolution: resolutionMs })
const modules = createRequire(import.meta.url)('node:module')._cache

const { listen } = Server.prototype
Server.prototype.listen = function (...words) {
  this.once('listening', () => {
    const at = performance.timeOrigin + performance.now()
    process.send({
      type: 'listening',
      port: this.address().port,
      at,
      cpuMs: cpuMs(),
      awsClients: awsClients(),
    })
  })
  return listen.apply(this, words)
}

/** While a profile is taken. */
let inspector

process.on('message', async message => {
  if (message === 'profile') return profile()
  if (message === 'begin') {
    delay.reset()
    delay.enable()
  } else if (message === 'collect') {
    // What was let go of needs several turns to be gone: sockets close, then their handles, then what they held.
    for (let i = 0; i < 3; i++) {
      await pause(100)
      globalThis.gc()
    }
  } else if (message !== 'now' && message !== 'end') return
  process.send({
    type: 'usage',
    cpuMs: cpuMs(),
    residentBytes: process.memoryUsage.rss(),
    peakBytes: peakBytes(),
    stallMs: Math.max(0, delay.max / 1e6 - resolutionMs),
  })
  if (message === 'end') delay.disable()
})
// Where the bench ends early, so does what it measures.
process.on('disconnect', () => process.exit())
// Measuring alone must not keep it alive.
process.channel?.unref()

/** Begins a profile, or ends it and hands it over. */
async function profile() {
  if (inspector === undefined) {
    inspector = new Session()
    inspector.connect()
    await inspector.post('Profiler.enable')
    await inspector.post('Profiler.start')
    return process.send({})
  }
  const { profile } = await inspector.post('Profiler.stop')
  inspector.disconnect()
  inspector = undefined
  process.send(profile)
}

function cpuMs() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Linux hands `maxRSS` on from the process that started this one; VmHWM is this one's own. */
function peakBytes() {
  try {
    return 1024 * Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))[1])
  } catch {
    return 1024 * process.resourceUsage().maxRSS
  }
}

function awsClients() {
  const found = Object.keys(modules).map(file => /[\\/]@aws-sdk[\\/](client-[^\\/]+)[\\/]/.exec(file)?.[1])
  return [...new Set(found)].filter(name => name !== undefined)
}

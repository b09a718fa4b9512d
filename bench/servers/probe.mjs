// Loaded into a measured process before its program (`node --import`). It reports over IPC when and where the server
// listens, and answers requests for what the process has used.
import { readFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { createRequire } from 'node:module'
import { Server } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'

// A blocked event loop delays the timer of the monitor. The error is the interval of that timer, one millisecond.
const resolutionMs = 1
const delay = monitorEventLoopDelay({ resolution: resolutionMs })
const modules = createRequire(import.meta.url)('node:module')._cache

const { listen } = Server.prototype
Server.prototype.listen = function (...args) {
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
  return listen.apply(this, args)
}

/** Set while a profile is recorded. */
let inspector

process.on('message', async message => {
  if (message === 'profile') return profile()
  if (message === 'begin') {
    delay.reset()
    delay.enable()
  } else if (message === 'collect') {
    // Several times: sockets close first, then their handles, then the objects that they held.
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
// Ends with the benchmark, even if that ends early.
process.on('disconnect', () => process.exit())
// The IPC channel alone must not keep the process alive.
process.channel?.unref()

/** Starts a profile, or stops it and sends it. */
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

/** Returns the peak memory. On Linux, a child inherits `maxRSS` from its parent, but VmHWM is its own. */
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

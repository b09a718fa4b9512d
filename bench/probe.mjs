// Loaded into a measured process ahead of it (`node --import`): answers over IPC what the process has used so far.
import { monitorEventLoopDelay } from 'node:perf_hooks'

const resolutionMs = 5
const delay = monitorEventLoopDelay({ resolution: resolutionMs })

process.on('message', message => {
  if (message === 'begin') {
    delay.reset()
    delay.enable()
  }
  const { user, system } = process.cpuUsage()
  process.send({
    cpuMs: (user + system) / 1000,
    residentBytes: process.memoryUsage.rss(),
    peakBytes: process.resourceUsage().maxRSS * 1024,
    stallMs: Math.max(0, delay.max / 1e6 - resolutionMs),
  })
  if (message === 'end') delay.disable()
})
// Where the bench ends early, so does what it measures.
process.on('disconnect', () => process.exit())
// Measuring alone must not keep it alive.
process.channel?.unref()

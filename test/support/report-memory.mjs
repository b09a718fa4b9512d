// Loaded into the program before it starts: at SIGUSR2 it collects garbage, and says how much memory is left in use. What
// V8 has taken from the system and does not use is not counted: it is there for other connections as well.
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
process.on('SIGUSR2', async () => {
  // More than once: what one time lets go of may hold more, and buffers are freed in the background.
  for (let times = 0; times < 3; times++) {
    collect()
    await sleep(100)
  }
  const { rss, heapTotal, heapUsed } = process.memoryUsage()
  process.stderr.write(`in use: ${rss - heapTotal + heapUsed} bytes\n`)
})

// Loaded into the program with --import. On SIGUSR2 it collects garbage and prints the memory that is still in use.
// Memory that V8 has reserved but does not use is not counted, because other connections can use it.
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
process.on('SIGUSR2', async () => {
  // Several times: finalizers may release more objects, and buffers are freed in the background.
  for (let times = 0; times < 3; times++) {
    collect()
    await sleep(100)
  }
  const { rss, heapTotal, heapUsed } = process.memoryUsage()
  process.stderr.write(`in use: ${rss - heapTotal + heapUsed} bytes\n`)
})

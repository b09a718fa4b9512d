// Opens sessions, sends EHLO on each, and holds them until it is stopped.
//
//     node bench/load/hold-sessions.mjs PORT COUNT
import { open, report } from './client.mjs'

const [port, count] = process.argv.slice(2, 4).map(Number)

let left = count
// No more at once than the listen queue of the server can hold.
await Promise.all(Array.from({ length: 100 }, work))
report({ sessions: count })

async function work() {
  while (left-- > 0) {
    const { greeting } = await open(port)
    if (greeting.startsWith('220')) continue
    console.error(`expected 220, got ${JSON.stringify(greeting)}`)
    process.exit(1)
  }
}

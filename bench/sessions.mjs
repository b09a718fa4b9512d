// Opens sessions that were greeted and said EHLO, and holds them until it is told to go.
//
//     node bench/sessions.mjs PORT COUNT
import { open, report } from './client.mjs'

const [port, count] = process.argv.slice(2, 4).map(Number)

let left = count
// Not more at once than what a listener may hold until it accepts.
await Promise.all(Array.from({ length: 100 }, work))
report({ sessions: count })

async function work() {
  while (left-- > 0) {
    const { greeting } = await open(port)
    if (greeting.startsWith('220')) continue
    console.error(`expected 220, heard ${JSON.stringify(greeting)}`)
    process.exit(1)
  }
}

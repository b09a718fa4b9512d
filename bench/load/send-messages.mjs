// Sends messages as fast as the server accepts them, and counts them.
//
//     node bench/load/send-messages.mjs PORT CONNECTIONS SECONDS BYTES keep-alive|new
//
// It uses CONNECTIONS at once for SECONDS, and finishes messages in progress. With `keep-alive` each connection sends many
// messages, with `new` one. It reports { seconds, messages } to the benchmark or as JSON. It exits with status 1 if a reply
// is not the expected one.
import { open, report, text } from './client.mjs'

const [port, connections, seconds, bytes] = process.argv.slice(2, 6).map(Number)
const keepAlive = process.argv[6] === 'keep-alive'
const content = text(bytes)

let messages = 0
const begun = performance.now()
const end = begun + 1000 * seconds
await Promise.all(Array.from({ length: connections }, work))
report({ seconds: (performance.now() - begun) / 1000, messages })

async function work() {
  let client
  while (performance.now() < end) {
    client ??= await connect()
    await expect(client.send('MAIL FROM:<a@s.test>\r\n'), '250')
    await expect(client.send('RCPT TO:<b@r.test>\r\n'), '250')
    await expect(client.send('DATA\r\n'), '354')
    await expect(client.send(content), '250')
    messages++
    if (keepAlive) continue
    await client.quit()
    client = undefined
  }
  await client?.quit()
}

async function connect() {
  const client = await open(port)
  await expect(client.greeting, '220')
  return client
}

async function expect(reply, code) {
  const received = await reply
  if (received.startsWith(code)) return
  console.error(`expected ${code}, got ${JSON.stringify(received)}`)
  process.exit(1)
}

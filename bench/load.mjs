// Sends mails as fast as the server takes them, and says how many it took.
//
//     node bench/load.mjs PORT CONNECTIONS SECONDS BYTES kept|new
//
// For SECONDS, then what is on its way ends; over CONNECTIONS at once; `kept`: each connection sends many, `new`: each mail
// has its own. Says { seconds, mails }, to the bench or as JSON. Ends with 1 when a reply is not the one that is expected.
import { open, report, text } from './client.mjs'

const [port, connections, seconds, bytes] = process.argv.slice(2, 6).map(Number)
const kept = process.argv[6] === 'kept'
const content = text(bytes)

let mails = 0
const begun = performance.now()
const end = begun + 1000 * seconds
await Promise.all(Array.from({ length: connections }, work))
report({ seconds: (performance.now() - begun) / 1000, mails })

async function work() {
  let client
  while (performance.now() < end) {
    client ??= await greeted()
    await expect(client.say('MAIL FROM:<a@s.test>\r\n'), '250')
    await expect(client.say('RCPT TO:<b@r.test>\r\n'), '250')
    await expect(client.say('DATA\r\n'), '354')
    await expect(client.say(content), '250')
    mails++
    if (kept) continue
    await client.leave()
    client = undefined
  }
  await client?.leave()
}

async function greeted() {
  const client = await open(port)
  await expect(client.greeting, '220')
  return client
}

async function expect(saying, code) {
  const heard = await saying
  if (heard.startsWith(code)) return
  console.error(`expected ${code}, heard ${JSON.stringify(heard)}`)
  process.exit(1)
}

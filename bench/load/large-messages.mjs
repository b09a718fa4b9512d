// Many clients that each send one large message at the same time.
//
//     node bench/load/large-messages.mjs PORT CLIENTS BYTES
//
// It reports { accepted, deferred, rejected, unanswered }: the numbers of clients with a 250, a 4xx, a 5xx, and no reply
// within two minutes.
import { open, report, text } from './client.mjs'

const [port, count, bytes] = process.argv.slice(2, 5).map(Number)
const content = text(bytes)
const outcomes = { accepted: 0, deferred: 0, rejected: 0, unanswered: 0 }

const clients = await Promise.all(Array.from({ length: count }, () => open(port)))
await Promise.all(clients.map(async client => outcomes[await within(120_000, send(client))]++))
report(outcomes)

async function send(client) {
  if (!client.greeting.startsWith('220')) return outcomeOf(client.greeting)
  for (const command of [`MAIL FROM:<a@s.test> SIZE=${bytes}`, 'RCPT TO:<b@r.test>', 'DATA']) {
    const reply = await client.send(`${command}\r\n`)
    if (!/^[23]/.test(reply)) return outcomeOf(reply)
  }
  return outcomeOf(await client.send(content))
}

function outcomeOf(reply) {
  return { 2: 'accepted', 4: 'deferred', 5: 'rejected' }[reply[0]] ?? 'unanswered'
}

function within(ms, outcome) {
  let timer
  const timeout = new Promise(resolve => (timer = setTimeout(resolve, ms, 'unanswered')))
  return Promise.race([outcome, timeout]).finally(() => clearTimeout(timer))
}

// Many clients that send one large mail each, all at once; says what became of them.
//
//     node bench/siege.mjs PORT CLIENTS BYTES
//
// Says { taken, deferred, refused, silent }: clients that heard 250, 4xx, 5xx, and nothing. It waits two minutes for a reply.
import { open, report, text } from './client.mjs'

const [port, count, bytes] = process.argv.slice(2, 5).map(Number)
const content = text(bytes)
const outcomes = { taken: 0, deferred: 0, refused: 0, silent: 0 }

const clients = await Promise.all(Array.from({ length: count }, () => open(port)))
await Promise.all(clients.map(async client => outcomes[await within(120_000, send(client))]++))
report(outcomes)

async function send(client) {
  if (!client.greeting.startsWith('220')) return outcomeOf(client.greeting)
  for (const command of [`MAIL FROM:<a@s.test> SIZE=${bytes}`, 'RCPT TO:<b@r.test>', 'DATA']) {
    const reply = await client.say(`${command}\r\n`)
    if (!/^[23]/.test(reply)) return outcomeOf(reply)
  }
  return outcomeOf(await client.say(content))
}

function outcomeOf(reply) {
  return { 2: 'taken', 4: 'deferred', 5: 'refused' }[reply[0]] ?? 'silent'
}

function within(ms, outcome) {
  let timer
  const late = new Promise(resolve => (timer = setTimeout(resolve, ms, 'silent')))
  return Promise.race([outcome, late]).finally(() => clearTimeout(timer))
}

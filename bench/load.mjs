// Sends mails as fast as the server takes them, and says how long that took.
//
//     node bench/load.mjs PORT CONNECTIONS MAILS BYTES kept|new
//
// MAILS in all, over CONNECTIONS at once; `kept`: each connection sends many, `new`: each mail has its own. Prints
// JSON: { seconds, mails }. Ends with 1 when a reply is not the one that is expected.
import { once } from 'node:events'
import { connect } from 'node:net'

const [port, connections, mails, bytes] = process.argv.slice(2, 6).map(Number)
const kept = process.argv[6] === 'kept'

const header = 'From: a@s.test\r\nTo: b@r.test\r\nSubject: bench\r\n\r\n'
const line = `${'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.repeat(2).slice(0, 76)}\r\n`
const text = header + line.repeat(Math.max(1, Math.ceil((bytes - header.length) / line.length)))
const content = Buffer.from(`${text}.\r\n`)

let left = mails
const begun = performance.now()
await Promise.all(Array.from({ length: Math.min(connections, mails) }, work))
console.log(JSON.stringify({ seconds: (performance.now() - begun) / 1000, mails }))

async function work() {
  let client
  while (left > 0) {
    left--
    client ??= await open()
    await client.say('MAIL FROM:<a@s.test>\r\n', '250')
    await client.say('RCPT TO:<b@r.test>\r\n', '250')
    await client.say('DATA\r\n', '354')
    await client.say(content, '250')
    if (kept) continue
    await client.say('QUIT\r\n', '221')
    client = undefined
  }
  await client?.say('QUIT\r\n', '221')
}

async function open() {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let wake
  let heard = ''
  socket.on('data', data => {
    heard += data.latin1Slice()
    if (/^\d{3} [^\n]*\n/m.test(heard)) wake?.()
  })
  socket.on('close', () => wake?.())
  const hear = async code => {
    await new Promise(resolve => {
      wake = resolve
      if (/^\d{3} [^\n]*\n/m.test(heard)) resolve()
    })
    if (!new RegExp(`^${code} `, 'm').test(heard)) fail(code, heard)
    heard = ''
  }
  const say = async (what, code) => {
    socket.write(what)
    await hear(code)
    if (code === '221') socket.end()
  }
  await once(socket, 'connect')
  await hear('220')
  await say('EHLO bench.test\r\n', '250')
  return { say }
}

function fail(code, heard) {
  console.error(`expected ${code}, heard ${JSON.stringify(heard)}`)
  process.exit(1)
}

// @ts-check
/**
 * Drives the engine without a socket: bytes go in, questions and actions come out, and this program answers them.
 *
 *     node examples/engine-by-hand.mjs
 */
import { defaultSettings, reply, Session } from 'aws-smtp-relay/protocol'

const settings = { ...defaultSettings, hostname: 'server.test', service: 'Engine' }
const session = new Session(settings, { address: '192.0.2.1', secure: false })

/** Contract: after each call that gives the session something, take events until `next` returns undefined, then send the output. */
function drive() {
  for (let event = session.next(); event !== undefined; event = session.next()) {
    switch (event.type) {
      case 'recipient':
        console.log(`?  may ${event.sender} write to ${event.address}`)
        session.answer(event.address === 'b@server.test' ? undefined : reply(550, '5.1.1', 'No such user'))
        break
      case 'delivery':
        console.log(`?  a message of ${event.size} bytes`)
        session.answer(reply(250, '2.0.0', 'Accepted'))
        break
      case 'connect':
      case 'login':
      case 'sender':
      case 'message':
        // No reply means: accepted.
        session.answer()
        break
      case 'content':
        console.log(`M: ${JSON.stringify(String(event.bytes))}`)
        break
      default:
        console.log(`>  ${event.type}`)
    }
  }
  const output = session.takeOutput()
  if (output !== '') console.log(`S: ${output.trimEnd().replaceAll('\r\n', '\nS: ')}`)
}

drive()
const lines = [
  'EHLO client.test',
  'MAIL FROM:<a@client.test>',
  'RCPT TO:<nobody@server.test>',
  'RCPT TO:<b@server.test>',
  'DATA',
  'Subject: Hello',
  '',
  '..a line that begins with a dot, which the client has doubled',
  '.',
  'QUIT',
]
for (const line of lines) {
  console.log(`C: ${line}`)
  session.receive(Buffer.from(`${line}\r\n`))
  drive()
}

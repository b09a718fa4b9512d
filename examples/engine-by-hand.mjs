// @ts-check
/**
 * The engine without a socket: bytes go in, questions and notices come out, and whoever drives it answers.
 *
 *     node examples/engine-by-hand.mjs
 */
import { defaultSettings, reply, Session } from 'aws-smtp-relay/protocol'

const settings = { ...defaultSettings, hostname: 'server.test', service: 'Engine' }
const session = new Session(settings, { address: '192.0.2.1', secure: false })

/** The law: after whatever the session was told, take events until there are none, then send the output. */
function drive() {
  for (let event = session.next(); event !== undefined; event = session.next()) {
    switch (event.type) {
      case 'recipient':
        console.log(`?  may ${event.sender} write to ${event.address}`)
        session.answer(
          event.address === 'b@server.test' ? undefined : reply(550, '5.1.1', 'Nobody of that name'),
        )
        break
      case 'delivery':
        console.log(`?  a mail of ${event.size} bytes`)
        session.answer(reply(250, '2.0.0', 'Taken'))
        break
      case 'connect':
      case 'login':
      case 'sender':
      case 'message':
        // Silence is consent.
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
  '..and a dot that was doubled on the way',
  '.',
  'QUIT',
]
for (const line of lines) {
  console.log(`C: ${line}`)
  session.receive(Buffer.from(`${line}\r\n`))
  drive()
}

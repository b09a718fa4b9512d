// What the programs that play clients share: a connection, a mail, and the way to tell the bench.
import { connect } from 'node:net'

const lastLine = /^\d{3} [^\n]*\n/m

/** A mail of about so many bytes, and the dot behind it. */
export function text(bytes) {
  const header = 'From: a@s.test\r\nTo: b@r.test\r\nSubject: bench\r\n\r\n'
  const line = `${'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.repeat(2).slice(0, 76)}\r\n`
  const lines = line.repeat(Math.max(1, Math.ceil((bytes - header.length) / line.length)))
  return Buffer.from(`${header}${lines}.\r\n`)
}

/** A client that was greeted and said EHLO. What it says is answered by the last line of the reply, '' if none came. */
export async function open(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let wake
  let heard = ''
  let over = false
  const look = () => {
    if (over || lastLine.test(heard)) wake?.()
  }
  socket.on('data', data => {
    heard += data.latin1Slice()
    look()
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    over = true
    look()
  })
  const hear = async () => {
    await new Promise(resolve => {
      wake = resolve
      look()
    })
    const reply = lastLine.exec(heard)?.[0] ?? ''
    heard = ''
    return reply
  }
  const say = what => {
    socket.write(what)
    return hear()
  }
  const leave = async () => {
    await say('QUIT\r\n')
    socket.end()
  }
  const greeting = await hear()
  if (greeting.startsWith('220')) await say('EHLO bench.test\r\n')
  return { greeting, say, leave }
}

/** Tells the bench, or who started this by hand. */
export function report(result) {
  if (process.send === undefined) console.log(JSON.stringify(result))
  else process.send(result)
}

// Where the bench ends early, so do its clients.
process.on('disconnect', () => process.exit())
process.channel?.unref()

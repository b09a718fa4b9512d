// Shared by the programs that act as clients: a connection, a message, and the report to the benchmark.
import { connect } from 'node:net'

const lastLine = /^\d{3} [^\n]*\n/m

/** Returns a message of about this many bytes, with the final dot. */
export function text(bytes) {
  const header = 'From: a@s.test\r\nTo: b@r.test\r\nSubject: bench\r\n\r\n'
  const line = `${'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.repeat(2).slice(0, 76)}\r\n`
  const lines = line.repeat(Math.max(1, Math.ceil((bytes - header.length) / line.length)))
  return Buffer.from(`${header}${lines}.\r\n`)
}

/**
 * Connects, reads the greeting and sends EHLO. `send` resolves with the last line of the reply, or '' if the connection
 * ended.
 */
export async function open(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let wake
  let received = ''
  let ended = false
  const check = () => {
    if (ended || lastLine.test(received)) wake?.()
  }
  socket.on('data', data => {
    received += data.latin1Slice()
    check()
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    ended = true
    check()
  })
  const readReply = async () => {
    await new Promise(resolve => {
      wake = resolve
      check()
    })
    const reply = lastLine.exec(received)?.[0] ?? ''
    received = ''
    return reply
  }
  const send = what => {
    socket.write(what)
    return readReply()
  }
  const quit = async () => {
    await send('QUIT\r\n')
    socket.end()
  }
  const greeting = await readReply()
  if (greeting.startsWith('220')) await send('EHLO bench.test\r\n')
  return { greeting, send, quit }
}

/** Sends the result to the benchmark, or prints it if the program was started by hand. */
export function report(result) {
  if (process.send === undefined) console.log(JSON.stringify(result))
  else process.send(result)
}

// Ends with the benchmark, even if that ends early.
process.on('disconnect', () => process.exit())
process.channel?.unref()

// The floor: a server that reads a socket, answers fixed lines, and checks only the last five bytes. It is not a correct
// SMTP server. It shows the cost of node:net itself.
//
//     node bench/servers/floor.mjs PORT
import { createServer } from 'node:net'

const end = Buffer.from('\r\n.\r\n')

createServer({ noDelay: true }, socket => {
  let content = false
  let tail = Buffer.alloc(0)
  socket.on('error', () => {})
  socket.write('220 floor\r\n')
  socket.on('data', bytes => {
    if (content) {
      tail = bytes.length >= 5 ? bytes.subarray(-5) : Buffer.concat([tail, bytes]).subarray(-5)
      if (!tail.equals(end)) return
      content = false
      socket.write('250 ok\r\n')
      return
    }
    const verb = bytes.latin1Slice(0, 4).toUpperCase()
    if (verb === 'DATA') {
      content = true
      tail = Buffer.from('\r\n')
      socket.write('354 go\r\n')
    } else if (verb === 'QUIT') socket.end('221 bye\r\n')
    else socket.write('250 ok\r\n')
  })
}).listen(Number(process.argv[2]), '127.0.0.1')

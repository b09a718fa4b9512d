// nodemailer's smtp-server with its defaults, except that clients need not log in. It accepts and discards all mail.
import { readFileSync } from 'node:fs'
import { SMTPServer } from 'smtp-server'

const [port, cert, key] = process.argv.slice(2)
const server = new SMTPServer({
  cert: readFileSync(cert),
  key: readFileSync(key),
  authOptional: true,
  onAuth: ({ username, password }, _session, done) =>
    done(null, username === 'user' && password === 'secret' ? { user: username } : {}),
  onData: (stream, _session, done) => {
    stream.on('end', done)
    stream.resume()
  },
})
server.on('error', error => console.error(error.message))
server.listen(Number(port), '127.0.0.1')

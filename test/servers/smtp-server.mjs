// nodemailer's smtp-server as it is out of the box, except that nobody has to log in: it takes every mail and keeps none.
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

// nodemailer's smtp-server, its content dropped.
//
//     node bench/smtp-server.mjs PORT
import { SMTPServer } from 'smtp-server'

new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS', 'AUTH'],
  disableReverseLookup: true,
  onData: (stream, _session, done) => {
    stream.on('end', done)
    stream.resume()
  },
}).listen(Number(process.argv[2]), '127.0.0.1')

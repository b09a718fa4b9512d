// nodemailer's smtp-server. Discards the content.
//
//     node bench/servers/smtp-server.mjs PORT
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

// A simple relay without this project: nodemailer's smtp-server and the AWS SDK, both with default settings.
//
//     node bench/servers/smtp-server-sdk.mjs PORT
import { SESClient } from '@aws-sdk/client-ses'
import { SMTPServer } from 'smtp-server'
import { clientSettings, send } from './stock-client.mjs'

const client = new SESClient(clientSettings)
new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS', 'AUTH'],
  disableReverseLookup: true,
  onData: async (stream, { envelope }, done) => {
    try {
      const chunks = []
      for await (const chunk of stream) chunks.push(chunk)
      const recipients = envelope.rcptTo.map(({ address }) => address)
      await send(client, envelope.mailFrom.address, recipients, chunks)
      done()
    } catch (error) {
      done(error)
    }
  },
}).listen(Number(process.argv[2]), '127.0.0.1')

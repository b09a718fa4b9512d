// A relay as anybody would write it with this engine and the AWS SDK as it comes: the content is collected, then sent with
// a stock client. Needs a build.
//
//     node bench/stock-sdk.mjs PORT
import { SESClient } from '@aws-sdk/client-ses'
import { defaultLimits } from '../dist/protocol/index.js'
import { defaultTimeouts, Server } from '../dist/transport/index.js'
import { settings } from './settings.mjs'
import { clientSettings, send } from './stock-client.mjs'

const client = new SESClient(clientSettings)
const server = new Server({
  settings: { ...settings, limits: defaultLimits },
  host: {
    message: ({ sender, recipients }) => {
      const chunks = []
      return {
        write: bytes => void chunks.push(bytes),
        deliver: () =>
          send(
            client,
            sender.address,
            recipients.map(({ address }) => address),
            chunks,
          ),
        discard() {},
      }
    },
  },
  timeouts: defaultTimeouts,
})
await server.listen({ host: '127.0.0.1', port: Number(process.argv[2]), implicitTls: false })

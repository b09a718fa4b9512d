// A simple relay with this engine and the AWS SDK with default settings. It collects the content and then sends it. Needs
// a build.
//
//     node bench/servers/stock-sdk.mjs PORT
import { SESClient } from '@aws-sdk/client-ses'
import { defaultSettings } from '../../dist/protocol/index.js'
import { defaultTimeouts, Server } from '../../dist/transport/index.js'
import { clientSettings, send } from './stock-client.mjs'

const client = new SESClient(clientSettings)
const server = new Server({
  settings: { ...defaultSettings, hostname: 'bench.test', service: 'Bench' },
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

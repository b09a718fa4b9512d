// The engine and its transport, as an application can embed them. Discards the content. Needs a build.
//
//     node bench/servers/engine.mjs PORT
import { defaultSettings } from '../../dist/protocol/index.js'
import { defaultTimeouts, Server } from '../../dist/transport/index.js'

const server = new Server({
  settings: { ...defaultSettings, hostname: 'bench.test', service: 'Bench' },
  host: { message: () => ({ write() {}, deliver() {}, discard() {} }) },
  timeouts: defaultTimeouts,
})
await server.listen({ host: '127.0.0.1', port: Number(process.argv[2]), implicitTls: false })

// The engine and its transport, content dropped: what an embedder gets. Needs a build.
//
//     node bench/engine.mjs PORT
import { defaultLimits } from '../dist/protocol/index.js'
import { defaultTimeouts, Server } from '../dist/transport/index.js'
import { settings } from './settings.mjs'

const server = new Server({
  settings: { ...settings, limits: defaultLimits },
  host: { message: () => ({ write() {}, deliver() {}, discard() {} }) },
  timeouts: defaultTimeouts,
})
await server.listen({ host: '127.0.0.1', port: Number(process.argv[2]), implicitTls: false })

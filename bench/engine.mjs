// The engine and its transport, content dropped: what an embedder gets. Needs a build.
//
//     node bench/engine.mjs PORT
import { defaultLimits } from '../dist/protocol/index.js'
import { defaultTimeouts, Server } from '../dist/transport/index.js'

const server = new Server({
  settings: {
    hostname: 'bench.test',
    service: 'Bench',
    tls: 'none',
    loginRequired: false,
    mechanisms: [],
    plaintextLogin: false,
    smtpUtf8: false,
    bareNewline: 'normalize',
    strictPipelining: false,
    limits: defaultLimits,
  },
  host: { message: () => ({ write() {}, deliver() {}, discard() {} }) },
  timeouts: defaultTimeouts,
})
await server.listen({ host: '127.0.0.1', port: Number(process.argv[2]), implicitTls: false })

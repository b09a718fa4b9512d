// @ts-check
/**
 * A custom backend: posts every message to a web service. The server is put together by hand, so that the host can also
 * make decisions of its own: here, which recipients are accepted.
 *
 *     node examples/own-relay.mjs http://127.0.0.1:8080/messages [PORT]
 */
import { defaultLimits, defaultSettings, reply } from 'aws-smtp-relay/protocol'
import { dispatcher, MemoryBudget, Refused, worstCaseBytes } from 'aws-smtp-relay/relay'
import { defaultTimeouts, Server } from 'aws-smtp-relay/transport'

const [endpoint = 'http://127.0.0.1:8080/messages', listenOn = '2525'] = process.argv.slice(2)
const hostname = 'server.test'
const service = 'Example'
const limits = { ...defaultLimits, messageBytes: 5 * 1024 * 1024 }

/** @type {import('aws-smtp-relay/relay').Relay} */
const relay = {
  name: 'web',
  maxMessageBytes: limits.messageBytes,
  async send({ id, sender, recipients, content }) {
    const url = new URL(endpoint)
    url.searchParams.set('from', sender)
    for (const recipient of recipients) url.searchParams.append('to', recipient)
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'message/rfc822', 'idempotency-key': id },
      body: Buffer.concat([...content]),
      // Without a timeout the client could wait without end. After it the client gets 451 4.4.2.
      signal: AbortSignal.timeout(30_000),
    })
    const answer = await response.text()
    // The message itself is at fault: the client gets this reply, and gives up.
    if (response.status === 422) throw new Refused(554, '5.6.0', answer)
    // Any other error may be temporary: the client gets 451 4.3.0, keeps the message, and sends it again later.
    if (!response.ok) throw new Error(`the web service answered ${response.status}`)
    // Only now the client gets 250.
    return { messageId: answer }
  },
}

const maxWaitMs = 20_000
const budget = new MemoryBudget({
  totalBytes: 64 * 1024 * 1024,
  largestBytes: worstCaseBytes(relay, limits.messageBytes),
  maxWaitMs,
})

const server = new Server({
  settings: { ...defaultSettings, hostname, service, limits },
  host: {
    recipient: ({ address }) =>
      address.endsWith('@server.test') ? undefined : reply(550, '5.7.1', 'Mail for server.test only'),
    ...dispatcher(relay, { hostname, service, maxWaitMs, budget }, event => {
      if (event.type === 'delivery') console.log(JSON.stringify({ to: event.to, error: event.error }))
    }),
  },
  timeouts: defaultTimeouts,
})

const { port } = await server.listen({ host: '127.0.0.1', port: Number(listenOn) })
console.log(`Listening on port ${port}`)
process.once('SIGTERM', () => server.close(10_000))

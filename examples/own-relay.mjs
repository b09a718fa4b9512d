// @ts-check
/**
 * A relay of one's own behind the dispatcher: every mail is posted to a web service. The rooms are put together by hand,
 * so that the host can have decisions of its own, too: here, who may get mail.
 *
 *     node examples/own-relay.mjs http://127.0.0.1:8080/mails [PORT]
 */
import { defaultLimits, defaultSettings, reply } from 'aws-smtp-relay/protocol'
import { dispatcher, MemoryBudget, Refused, worstCaseBytes } from 'aws-smtp-relay/relay'
import { defaultTimeouts, Server } from 'aws-smtp-relay/transport'

const [endpoint = 'http://127.0.0.1:8080/mails', listenOn = '2525'] = process.argv.slice(2)
const hostname = 'server.test'
const service = 'Post office'
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
      // Without an end the client would wait in vain. It hears 451 4.4.2.
      signal: AbortSignal.timeout(30_000),
    })
    const said = await response.text()
    // The mail's own fault: its client hears just this, and gives up.
    if (response.status === 422) throw new Refused(554, '5.6.0', said)
    // All else may pass: its client hears 451 4.3.0, keeps the mail, and tries again.
    if (!response.ok) throw new Error(`the web service said ${response.status}`)
    // Only now does the client hear 250.
    return { messageId: said }
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

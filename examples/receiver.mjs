// @ts-check
/**
 * A server that prints the messages it receives.
 *
 *     node examples/receiver.mjs [PORT]
 */
import { createServer } from 'aws-smtp-relay'

const server = await createServer({
  relay: {
    name: 'receiver',
    maxMessageBytes: 10_000_000,
    async send({ sender, recipients, content }) {
      const text = Buffer.concat([...content]).toString()
      // A terminal executes control characters, and a message may contain any.
      console.log(`${sender} to ${recipients.join(', ')}:\n${text.replace(/[^\P{Cc}\n]/gu, '')}`)
      return {}
    },
  },
})
const { port } = await server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 2525) })
console.log(`Listening on port ${port}`)

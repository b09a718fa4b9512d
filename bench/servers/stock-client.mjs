// The AWS SDK with default settings, for the relays that this program is compared with.
import { SendRawEmailCommand } from '@aws-sdk/client-ses'

/** Enough sockets for all requests. The SDK's default of 50 would not be a fair comparison. */
export const clientSettings = { requestHandler: { httpsAgent: { keepAlive: true, maxSockets: 256 } } }

/** Sends a collected message. */
export async function send(client, sender, recipients, chunks) {
  await client.send(
    new SendRawEmailCommand({
      Source: sender,
      Destinations: recipients,
      RawMessage: { Data: Buffer.concat(chunks) },
    }),
  )
}

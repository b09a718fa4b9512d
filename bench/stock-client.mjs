// The AWS SDK as it comes, for the relays that this one is compared with.
import { SendRawEmailCommand } from '@aws-sdk/client-ses'

/** Nobody waits for a connection: the SDK's own 50 would be no fair comparison. */
export const clientSettings = { requestHandler: { httpsAgent: { keepAlive: true, maxSockets: 256 } } }

/** Sends a mail that was collected. */
export async function send(client, sender, recipients, chunks) {
  await client.send(
    new SendRawEmailCommand({
      Source: sender,
      Destinations: recipients,
      RawMessage: { Data: Buffer.concat(chunks) },
    }),
  )
}

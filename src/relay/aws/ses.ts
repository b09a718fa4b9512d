import type { MessageTag, SESClientConfig, SendRawEmailCommandInput } from '@aws-sdk/client-ses'
import type { Mail, Receipt, Relay } from '../relay.ts'
import { arnsOf, type SesOptions } from './ses-options.ts'
import { callUpstream, findStanding, maxCallsOf, upstreamSettings, watched } from './upstream.ts'

/**
 * Sends through `SendRawEmail` of Amazon SES. The SDK is loaded here and not before, so that other backends go
 * without. A missing region or missing credentials show at the first mail.
 */
export async function ses(options: SesOptions = {}): Promise<Relay> {
  const settings: SESClientConfig = upstreamSettings(options)
  const { SESClient, SendRawEmailCommand, GetSendQuotaCommand } = await import('@aws-sdk/client-ses')
  if (options.endpoint) settings.endpoint = options.endpoint
  if (options.region) settings.region = options.region
  const client = new SESClient(settings)
  const constant = constantInput(options)

  async function send(mail: Mail): Promise<Receipt> {
    const input: SendRawEmailCommandInput = {
      ...constant,
      Destinations: [...mail.recipients],
      RawMessage: { Data: Buffer.concat(mail.content, mail.size) },
    }
    // SES refuses an empty Source; without one it takes the From header.
    if (mail.sender !== '') input.Source = mail.sender
    const output = await callUpstream(client.config, options, (abortSignal, sawStatus) =>
      client.send(watched(new SendRawEmailCommand(input), sawStatus), { abortSignal }),
    )
    return output?.MessageId === undefined ? {} : { messageId: output.MessageId }
  }

  async function sendRate(): Promise<number> {
    const quota = await callUpstream(client.config, options, abortSignal =>
      client.send(new GetSendQuotaCommand({}), { abortSignal }),
    )
    return quota?.MaxSendRate ?? 0
  }

  return {
    name: 'ses',
    // SES counts 10 MiB after base64, or before: its documents and its error disagree. Then SES itself refuses.
    maxMessageBytes: 10 * 1024 * 1024,
    maxRecipientsPerCall: 50,
    maxCalls: maxCallsOf(options),
    send,
    check: () => findStanding(client.config, options),
    sendRate,
  }
}

/** The input that is the same for every mail. What is not given must not be sent as an empty value. */
function constantInput(options: SesOptions) {
  const { configurationSet, tags = {} } = options
  const { sourceArn, fromArn, returnPathArn } = arnsOf(options)
  const messageTags: MessageTag[] = Object.entries(tags).map(([Name, Value]) => ({ Name, Value }))
  return {
    ...(configurationSet && { ConfigurationSetName: configurationSet }),
    ...(sourceArn && { SourceArn: sourceArn }),
    ...(fromArn && { FromArn: fromArn }),
    ...(returnPathArn && { ReturnPathArn: returnPathArn }),
    ...(messageTags.length > 0 && { Tags: messageTags }),
  }
}

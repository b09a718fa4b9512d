import type { MessageTag, SESClientConfig, SendRawEmailCommandInput } from '@aws-sdk/client-ses'
import type { Mail, Receipt, Relay } from '../relay.ts'
import {
  callUpstream,
  findStanding,
  maxCallsOf,
  type Upstream,
  upstreamSettings,
  watched,
} from './upstream.ts'

/** What the operator may say about sending through SES, either version; credentials and region are the SDK's to find. */
export interface SesOptions extends Upstream {
  readonly configurationSet?: string
  /** Cross-account sending: ARN of the identity that authorises this one. */
  readonly sourceArn?: string
  /** `sourceArn` if left out: users report that SES wants it also where its documentation does not. */
  readonly fromArn?: string
  /** `sourceArn` if left out. */
  readonly returnPathArn?: string
  /** Message tags, name to value. */
  readonly tags?: Readonly<Record<string, string>>
  /** Where SES is, as a URL; `AWS_ENDPOINT_URL_SES` and `AWS_ENDPOINT_URL` say it too. */
  readonly endpoint?: string
  readonly region?: string
}

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
  const { configurationSet, sourceArn, fromArn = sourceArn, returnPathArn = sourceArn, tags = {} } = options
  const messageTags: MessageTag[] = Object.entries(tags).map(([Name, Value]) => ({ Name, Value }))
  return {
    ...(configurationSet && { ConfigurationSetName: configurationSet }),
    ...(sourceArn && { SourceArn: sourceArn }),
    ...(fromArn && { FromArn: fromArn }),
    ...(returnPathArn && { ReturnPathArn: returnPathArn }),
    ...(messageTags.length > 0 && { Tags: messageTags }),
  }
}

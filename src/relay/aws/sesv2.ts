import type { MessageTag, SESv2ClientConfig, SendEmailCommandInput } from '@aws-sdk/client-sesv2'
import type { Mail, Receipt, Relay } from '../relay.ts'
import { arnsOf, type SesOptions } from './ses-options.ts'
import { callUpstream, findStanding, maxCallsOf, upstreamSettings, watched } from './upstream.ts'

/**
 * Sends through `SendEmail` of version 2 of the Amazon SES API, which takes larger mails. The SDK is loaded here and
 * not before. A missing region or missing credentials show at the first mail. `AWS_ENDPOINT_URL_SESV2` and
 * `AWS_ENDPOINT_URL` say where SES is, too.
 */
export async function sesv2(options: SesOptions = {}): Promise<Relay> {
  const settings: SESv2ClientConfig = upstreamSettings(options)
  const { SESv2Client, SendEmailCommand, GetAccountCommand } = await import('@aws-sdk/client-sesv2')
  if (options.endpoint) settings.endpoint = options.endpoint
  if (options.region) settings.region = options.region
  const client = new SESv2Client(settings)
  const constant = constantInput(options)

  async function send(mail: Mail): Promise<Receipt> {
    const input: SendEmailCommandInput = {
      ...constant,
      // The envelope: who the header names does not count for a raw mail.
      Destination: { ToAddresses: [...mail.recipients] },
      Content: { Raw: { Data: Buffer.concat(mail.content, mail.size) } },
    }
    // Bounces go to the envelope sender. FromEmailAddress would overwrite the mail's From header.
    if (mail.sender !== '') input.FeedbackForwardingEmailAddress = mail.sender
    const output = await callUpstream(client.config, options, (abortSignal, sawStatus) =>
      client.send(watched(new SendEmailCommand(input), sawStatus), { abortSignal }),
    )
    return output?.MessageId === undefined ? {} : { messageId: output.MessageId }
  }

  async function sendRate(): Promise<number> {
    const account = await callUpstream(client.config, options, abortSignal =>
      client.send(new GetAccountCommand({}), { abortSignal }),
    )
    return account?.SendQuota?.MaxSendRate ?? 0
  }

  return {
    name: 'sesv2',
    // SES counts 40 MiB after base64. What is too large for it, it refuses itself.
    maxMessageBytes: 40 * 1024 * 1024,
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
  const { fromArn, returnPathArn } = arnsOf(options)
  const emailTags: MessageTag[] = Object.entries(tags).map(([Name, Value]) => ({ Name, Value }))
  return {
    ...(configurationSet && { ConfigurationSetName: configurationSet }),
    ...(fromArn && { FromEmailAddressIdentityArn: fromArn }),
    ...(returnPathArn && { FeedbackForwardingEmailAddressIdentityArn: returnPathArn }),
    ...(emailTags.length > 0 && { EmailTags: emailTags }),
  }
}

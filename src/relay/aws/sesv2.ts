import type { MessageTag, SendEmailCommandOutput } from '@aws-sdk/client-sesv2'
import { importOptional } from '../../support/optional-package.ts'
import type { Message, Receipt, Relay } from '../relay.ts'
import { callUpstream, checkIdentity, maxConcurrentCalls, rateOf, upstreamSettings } from './client.ts'
import { EncodedContent } from './encoded-content.ts'
import { installPreparedCalls, PreparedCall } from './prepared-call.ts'
import { arnsOf, type SesOptions } from './ses-options.ts'

/**
 * Sends through `SendEmail` of version 2 of the Amazon SES API, which takes larger mails. The SDK is loaded here and
 * not before. A missing region or missing credentials show at the first mail.
 */
export async function sesv2(options: SesOptions = {}): Promise<Relay> {
  const settings = upstreamSettings(options)
  const { SESv2Client, SendEmailCommand, GetAccountCommand } = await importOptional(
    '@aws-sdk/client-sesv2',
    'The relay sesv2',
    () => import('@aws-sdk/client-sesv2'),
  )
  const client = new SESv2Client(settings)
  installPreparedCalls(client.config)
  const operation = new PreparedCall<SendEmailCommandOutput>(
    intercept =>
      client.send(intercept(new SendEmailCommand({ Content: { Raw: { Data: Buffer.alloc(0) } } }))),
    ({ MessageId }) => Boolean(MessageId),
  )
  const constant = constantInput(options)

  async function send(mail: Message): Promise<Receipt> {
    const payload = EncodedContent.of(mail.content, 'json', head).payload(tailOf(mail, constant))
    const output = await callUpstream(client.config, options, attempt => operation.call(payload, attempt))
    return output?.MessageId === undefined ? {} : { messageId: output.MessageId }
  }

  async function sendRate(): Promise<number> {
    const account = await callUpstream(client.config, options, ({ signal }) =>
      client.send(new GetAccountCommand({}), { abortSignal: signal }),
    )
    return rateOf(account?.SendQuota?.MaxSendRate)
  }

  return {
    name: 'sesv2',
    // SES counts 40 MiB after base64. What is too large for it, it refuses itself.
    maxMessageBytes: 40 * 1024 * 1024,
    maxRecipientsPerCall: 50,
    maxConcurrentCalls: maxConcurrentCalls(options),
    content: () => new EncodedContent('json', head),
    send,
    check: () => checkIdentity(client.config, options, operation),
    sendRate,
  }
}

/** The body of `SendEmail` (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html). */
const head = '{"Content":{"Raw":{"Data":"'

function tailOf({ sender, recipients }: Message, constant: ReturnType<typeof constantInput>): string {
  const input = {
    Content: { Raw: { Data: '' } },
    // Bounces go to the envelope sender. FromEmailAddress would overwrite the mail's From header.
    ...(sender !== '' && { FeedbackForwardingEmailAddress: sender }),
    // The envelope: who the header names does not count for a raw mail.
    Destination: { ToAddresses: recipients },
    ...constant,
  }
  return JSON.stringify(input).slice(head.length)
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

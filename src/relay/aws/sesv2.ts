import type { MessageTag, SendEmailCommandOutput } from '@aws-sdk/client-sesv2'
import { importOptional } from '../../support/optional-package.ts'
import type { Message, Receipt, Relay } from '../relay.ts'
import { callUpstream, checkIdentity, maxConcurrentCalls, rateOf, upstreamSettings } from './client.ts'
import { EncodedContent } from './encoded-content.ts'
import { installPreparedCalls, PreparedCall } from './prepared-call.ts'
import { arnsOf, type SesOptions } from './ses-options.ts'

/**
 * Creates a backend that sends with `SendEmail` of version 2 of the Amazon SES API, which accepts larger messages. Loads the
 * SDK, which other backends do not need. A missing region or missing credentials are reported by `check`, or at the first
 * message.
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
  const preparedCall = new PreparedCall<SendEmailCommandOutput>(
    intercept =>
      client.send(intercept(new SendEmailCommand({ Content: { Raw: { Data: Buffer.alloc(0) } } }))),
    ({ MessageId }) => Boolean(MessageId),
  )
  const constants = constantInput(options)

  async function send(message: Message): Promise<Receipt> {
    const payload = EncodedContent.of(message.content, 'json', head).payload(tailOf(message, constants))
    const output = await callUpstream(client.config, options, control => preparedCall.call(payload, control))
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
    // SES counts 40 MiB after base64. SES rejects what is too large.
    maxMessageBytes: 40 * 1024 * 1024,
    maxRecipientsPerCall: 50,
    maxConcurrentCalls: maxConcurrentCalls(options),
    content: () => new EncodedContent('json', head),
    send,
    check: () => checkIdentity(client.config, options, preparedCall),
    sendRate,
  }
}

/** The beginning of the body of `SendEmail` (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html). */
const head = '{"Content":{"Raw":{"Data":"'

function tailOf({ sender, recipients }: Message, constants: ReturnType<typeof constantInput>): string {
  const input = {
    Content: { Raw: { Data: '' } },
    // Bounces go to the envelope sender. FromEmailAddress would overwrite the message's From header.
    ...(sender !== '' && { FeedbackForwardingEmailAddress: sender }),
    // The envelope recipients. The recipients in the header do not count for a raw message.
    Destination: { ToAddresses: recipients },
    ...constants,
  }
  return JSON.stringify(input).slice(head.length)
}

/** The input that is the same for every message. A value that is not set must not be sent as an empty value. */
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

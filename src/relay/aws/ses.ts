import type { SendRawEmailCommandOutput } from '@aws-sdk/client-ses'
import { importOptional } from '../../support/optional-package.ts'
import type { Message, Receipt, Relay } from '../relay.ts'
import { callUpstream, checkIdentity, maxConcurrentCalls, rateOf, upstreamSettings } from './client.ts'
import { EncodedContent } from './encoded-content.ts'
import { form } from './form.ts'
import { installPreparedCalls, PreparedCall } from './prepared-call.ts'
import { arnsOf, type SesOptions } from './ses-options.ts'

/**
 * Sends through `SendRawEmail` of Amazon SES. The SDK is loaded here and not before, so that other backends go
 * without. A missing region or missing credentials show at the first mail.
 */
export async function ses(options: SesOptions = {}): Promise<Relay> {
  const settings = upstreamSettings(options)
  const { SESClient, SendRawEmailCommand, GetSendQuotaCommand } = await importOptional(
    '@aws-sdk/client-ses',
    'The relay ses',
    () => import('@aws-sdk/client-ses'),
  )
  const client = new SESClient(settings)
  installPreparedCalls(client.config)
  const operation = new PreparedCall<SendRawEmailCommandOutput>(
    intercept => client.send(intercept(new SendRawEmailCommand({ RawMessage: { Data: Buffer.alloc(0) } }))),
    ({ MessageId }) => Boolean(MessageId),
  )
  const constant = constantParameters(options)

  async function send(mail: Message): Promise<Receipt> {
    const payload = EncodedContent.of(mail.content, 'form', head).payload(tailOf(mail, constant))
    const output = await callUpstream(client.config, options, attempt => operation.call(payload, attempt))
    return output?.MessageId === undefined ? {} : { messageId: output.MessageId }
  }

  async function sendRate(): Promise<number> {
    const quota = await callUpstream(client.config, options, ({ signal }) =>
      client.send(new GetSendQuotaCommand({}), { abortSignal: signal }),
    )
    return rateOf(quota?.MaxSendRate)
  }

  return {
    name: 'ses',
    // SES counts 10 MiB after base64, or before: its documents and its error disagree. Then SES itself refuses.
    maxMessageBytes: 10 * 1024 * 1024,
    maxRecipientsPerCall: 50,
    maxConcurrentCalls: maxConcurrentCalls(options),
    content: () => new EncodedContent('form', head),
    send,
    check: () => checkIdentity(client.config, options, operation),
    sendRate,
  }
}

/** A request of the Query API (https://docs.aws.amazon.com/ses/latest/APIReference/API_SendRawEmail.html). */
const head = form({ Action: 'SendRawEmail', Version: '2010-12-01', 'RawMessage.Data': '' })

function tailOf({ sender, recipients }: Message, constant: Readonly<Record<string, string>>): string {
  const envelope: Record<string, string> = {}
  // SES refuses an empty Source; without one it takes the From header.
  if (sender !== '') envelope.Source = sender
  for (const [n, recipient] of recipients.entries()) envelope[`Destinations.member.${n + 1}`] = recipient
  return `&${form({ ...envelope, ...constant })}`
}

/** The parameters that are the same for every mail. What is not given must not be sent as an empty value. */
function constantParameters(options: SesOptions): Readonly<Record<string, string>> {
  const { configurationSet, tags = {} } = options
  const { sourceArn, fromArn, returnPathArn } = arnsOf(options)
  const parameters: Record<string, string> = {}
  if (fromArn) parameters.FromArn = fromArn
  if (sourceArn) parameters.SourceArn = sourceArn
  if (returnPathArn) parameters.ReturnPathArn = returnPathArn
  for (const [n, [name, value]] of Object.entries(tags).entries()) {
    parameters[`Tags.member.${n + 1}.Name`] = name
    parameters[`Tags.member.${n + 1}.Value`] = value
  }
  if (configurationSet) parameters.ConfigurationSetName = configurationSet
  return parameters
}

import type { SendRawEmailCommandOutput } from '@aws-sdk/client-ses'
import { importOptional } from '../../support/optional-package.ts'
import type { Message, Receipt, Relay } from '../relay.ts'
import { callUpstream, checkIdentity, maxConcurrentCalls, rateOf, upstreamSettings } from './client.ts'
import { EncodedContent } from './encoded-content.ts'
import { installPreparedCalls, PreparedCall } from './prepared-call.ts'
import { arnsOf, type SesOptions } from './ses-options.ts'

/**
 * Creates a backend that sends with `SendRawEmail` of Amazon SES. Loads the SDK, which other backends do not need. A missing
 * region or missing credentials are reported by `check`, or at the first message.
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
  const preparedCall = new PreparedCall<SendRawEmailCommandOutput>(
    intercept => client.send(intercept(new SendRawEmailCommand({ RawMessage: { Data: Buffer.alloc(0) } }))),
    ({ MessageId }) => Boolean(MessageId),
  )
  const constants = constantParameters(options)

  async function send(message: Message): Promise<Receipt> {
    const payload = EncodedContent.of(message.content, 'form', head).payload(tailOf(message, constants))
    const output = await callUpstream(client.config, options, control => preparedCall.call(payload, control))
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
    // SES counts 10 MiB before or after base64: its documents and its error disagree. SES rejects what is too large.
    maxMessageBytes: 10 * 1024 * 1024,
    maxRecipientsPerCall: 50,
    maxConcurrentCalls: maxConcurrentCalls(options),
    content: () => new EncodedContent('form', head),
    send,
    check: () => checkIdentity(client.config, options, preparedCall),
    sendRate,
  }
}

/** The beginning of a request of the Query API (https://docs.aws.amazon.com/ses/latest/APIReference/API_SendRawEmail.html). */
const head = form({ Action: 'SendRawEmail', Version: '2010-12-01', 'RawMessage.Data': '' })

function tailOf({ sender, recipients }: Message, constants: Readonly<Record<string, string>>): string {
  const envelope: Record<string, string> = {}
  // SES rejects an empty Source. Without one it uses the From header.
  if (sender !== '') envelope.Source = sender
  for (const [n, recipient] of recipients.entries()) envelope[`Destinations.member.${n + 1}`] = recipient
  return `&${form({ ...envelope, ...constants })}`
}

/** The parameters that are the same for every message. One that is not set must not be sent as an empty value. */
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

/** Encodes parameters as an HTML form, escaped as RFC 3986 demands, because AWS signs them in this form. */
function form(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
    .join('&')
}

function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

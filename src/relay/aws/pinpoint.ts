import type { MessageResult, SendMessagesCommandOutput } from '@aws-sdk/client-pinpoint'
import { importOptional } from '../../support/optional-package.ts'
import { type Message, PartialFailure, type Receipt, type Relay } from '../relay.ts'
import { callUpstream, checkIdentity, maxConcurrentCalls, type Upstream, upstreamSettings } from './client.ts'
import { EncodedContent } from './encoded-content.ts'
import { installPreparedCalls, PreparedCall } from './prepared-call.ts'

/**
 * What the operator may say about sending through Pinpoint; credentials and region are the SDK's to find. A configuration
 * set is not among it: Pinpoint has one for its e-mail channel, none for a call.
 */
export interface PinpointOptions extends Upstream {
  /** The Pinpoint project, its e-mail channel enabled. */
  readonly applicationId: string
}

/** In the order in which they speak for a mail that failed in several ways: first those that may pass. */
const failureStatuses = ['THROTTLED', 'TEMPORARY_FAILURE', 'UNKNOWN_FAILURE', 'OPT_OUT', 'PERMANENT_FAILURE']
const successStatuses = ['SUCCESSFUL', 'DUPLICATE']

/**
 * Sends through `SendMessages` of Amazon Pinpoint. The SDK is loaded here and not before. A missing region or missing
 * credentials show at the first mail.
 */
export async function pinpoint(options: PinpointOptions): Promise<Relay> {
  const settings = upstreamSettings(options)
  const { PinpointClient, SendMessagesCommand } = await importOptional(
    '@aws-sdk/client-pinpoint',
    'The relay pinpoint',
    () => import('@aws-sdk/client-pinpoint'),
  )
  const client = new PinpointClient(settings)
  installPreparedCalls(client.config)
  const ApplicationId = options.applicationId
  const operation = new PreparedCall<SendMessagesCommandOutput>(
    intercept =>
      client.send(
        intercept(new SendMessagesCommand({ ApplicationId, MessageRequest: { MessageConfiguration: {} } })),
      ),
    ({ MessageResponse }) => MessageResponse?.Result !== undefined,
  )

  async function send(mail: Message): Promise<Receipt> {
    const payload = EncodedContent.of(mail.content, 'json', head).payload(tailOf(mail))
    // A 200 that breaks off does not count: each recipient's result is in its body.
    const output = await callUpstream(client.config, options, attempt => operation.call(payload, attempt))
    return outcome(mail.recipients, output?.MessageResponse?.Result ?? {})
  }

  return {
    name: 'pinpoint',
    // A request is 7 MB at most, its mail in base64.
    maxMessageBytes: 5_000_000,
    maxRecipientsPerCall: 50,
    maxConcurrentCalls: maxConcurrentCalls(options),
    answersPerRecipient: true,
    content: () => new EncodedContent('json', head),
    send,
    check: () => checkIdentity(client.config, options, operation),
  }
}

/** The body of `SendMessages` (https://docs.aws.amazon.com/pinpoint/latest/apireference/apps-application-id-messages.html). */
const head = '{"MessageConfiguration":{"EmailMessage":{"RawEmail":{"Data":"'

function tailOf({ sender, recipients }: Message): string {
  const input = {
    MessageConfiguration: {
      // FromAddress is left out: it is for mails that Pinpoint composes, and this one has its From header.
      EmailMessage: { RawEmail: { Data: '' }, ...(sender !== '' && { FeedbackForwardingAddress: sender }) },
    },
    Addresses: Object.fromEntries(recipients.map(address => [address, { ChannelType: 'EMAIL' }])),
  }
  return JSON.stringify(input).slice(head.length)
}

/** The receipt if every recipient was accepted, else an error. */
function outcome(recipients: readonly string[], results: Record<string, MessageResult>): Receipt {
  const refused: [recipient: string, error: Error][] = []
  let messageId: string | undefined
  for (const recipient of recipients) {
    const { DeliveryStatus, MessageId, StatusMessage } = resultOf(recipient, results)
    if (DeliveryStatus !== undefined && successStatuses.includes(DeliveryStatus)) {
      messageId ??= MessageId
    } else refused.push([recipient, failureFor(DeliveryStatus, StatusMessage)])
  }
  const receipt = messageId === undefined ? {} : { messageId }
  if (refused.length === 0) return receipt
  refused.sort(([, a], [, b]) => failureStatuses.indexOf(a.name) - failureStatuses.indexOf(b.name))
  throw new PartialFailure(new Map(refused), receipt)
}

/** The key may have been written otherwise than it was sent. */
function resultOf(recipient: string, results: Record<string, MessageResult>): Partial<MessageResult> {
  const found =
    Object.entries(results).find(([address]) => address === recipient) ??
    Object.entries(results).find(([address]) => address.toLowerCase() === recipient.toLowerCase())
  return found?.[1] ?? { StatusMessage: 'no result' }
}

function failureFor(status: string | undefined, message: string | undefined): Error {
  const name = status !== undefined && failureStatuses.includes(status) ? status : 'UNKNOWN_FAILURE'
  return Object.assign(new Error(message ?? status ?? 'no status'), { name })
}

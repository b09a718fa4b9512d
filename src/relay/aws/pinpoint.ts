import type { MessageResult, SendMessagesCommandOutput } from '@aws-sdk/client-pinpoint'
import { importOptional } from '../../support/optional-package.ts'
import { type Message, PartialFailure, type Receipt, type Relay } from '../relay.ts'
import { callUpstream, checkIdentity, maxConcurrentCalls, type Upstream, upstreamSettings } from './client.ts'
import { EncodedContent } from './encoded-content.ts'
import { installPreparedCalls, PreparedCall } from './prepared-call.ts'

/**
 * The settings of the Pinpoint backend. The SDK resolves the credentials. There is no configuration set, because Pinpoint
 * has one for its e-mail channel and not for a call.
 */
export interface PinpointOptions extends Upstream {
  /** The ID of the Pinpoint project. Its e-mail channel must be enabled. */
  readonly applicationId: string
}

/** If recipients fail in several ways, the first of these determines the reply: temporary failures come first. */
const failureStatuses = ['THROTTLED', 'TEMPORARY_FAILURE', 'UNKNOWN_FAILURE', 'OPT_OUT', 'PERMANENT_FAILURE']
const successStatuses = ['SUCCESSFUL', 'DUPLICATE']

/**
 * Creates a backend that sends with `SendMessages` of Amazon Pinpoint. Loads the SDK, which other backends do not need. A
 * missing region or missing credentials are reported by `check`, or at the first message.
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
  const preparedCall = new PreparedCall<SendMessagesCommandOutput>(
    intercept =>
      client.send(
        intercept(new SendMessagesCommand({ ApplicationId, MessageRequest: { MessageConfiguration: {} } })),
      ),
    ({ MessageResponse }) => MessageResponse?.Result !== undefined,
  )

  async function send(message: Message): Promise<Receipt> {
    const payload = EncodedContent.of(message.content, 'json', head).payload(tailOf(message))
    // A 200 that breaks off does not count, because the body contains the result of each recipient.
    const output = await callUpstream(client.config, options, control => preparedCall.call(payload, control))
    return receiptOf(message.recipients, output?.MessageResponse?.Result ?? {})
  }

  return {
    name: 'pinpoint',
    // A request has at most 7 MB, with the message in base64.
    maxMessageBytes: 5_000_000,
    maxRecipientsPerCall: 50,
    maxConcurrentCalls: maxConcurrentCalls(options),
    answersPerRecipient: true,
    content: () => new EncodedContent('json', head),
    send,
    check: () => checkIdentity(client.config, options, preparedCall),
  }
}

/** The beginning of the body of `SendMessages` (https://docs.aws.amazon.com/pinpoint/latest/apireference/apps-application-id-messages.html). */
const head = '{"MessageConfiguration":{"EmailMessage":{"RawEmail":{"Data":"'

function tailOf({ sender, recipients }: Message): string {
  const input = {
    MessageConfiguration: {
      // FromAddress is left out. It is for messages that Pinpoint composes; this message has a From header.
      EmailMessage: { RawEmail: { Data: '' }, ...(sender !== '' && { FeedbackForwardingAddress: sender }) },
    },
    Addresses: Object.fromEntries(recipients.map(address => [address, { ChannelType: 'EMAIL' }])),
  }
  return JSON.stringify(input).slice(head.length)
}

/** Returns the receipt if every recipient was accepted. @throws PartialFailure otherwise */
function receiptOf(recipients: readonly string[], results: Record<string, MessageResult>): Receipt {
  const failures: [recipient: string, error: Error][] = []
  let messageId: string | undefined
  for (const recipient of recipients) {
    const { DeliveryStatus, MessageId, StatusMessage } = resultOf(recipient, results)
    if (DeliveryStatus !== undefined && successStatuses.includes(DeliveryStatus)) {
      messageId ??= MessageId
    } else failures.push([recipient, failureFor(DeliveryStatus, StatusMessage)])
  }
  const receipt = messageId === undefined ? {} : { messageId }
  if (failures.length === 0) return receipt
  failures.sort(([, a], [, b]) => failureStatuses.indexOf(a.name) - failureStatuses.indexOf(b.name))
  throw new PartialFailure(new Map(failures), receipt)
}

/** Finds the result of a recipient. Pinpoint may return the address in another case than it was sent. */
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

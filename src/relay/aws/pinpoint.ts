import type {
  EmailMessage,
  MessageResult,
  PinpointClientConfig,
  SendMessagesCommandInput,
} from '@aws-sdk/client-pinpoint'
import { type Mail, PartialFailure, type Receipt, type Relay } from '../relay.ts'
import { callUpstream, findStanding, maxCallsOf, type Upstream, upstreamSettings } from './upstream.ts'

/**
 * What the operator may say about sending through Pinpoint; credentials and region are the SDK's to find. A configuration
 * set is not among it: Pinpoint has one for its e-mail channel, none for a call.
 */
export interface PinpointOptions extends Upstream {
  /** The Pinpoint project, its e-mail channel enabled. */
  readonly applicationId: string
  /** Where Pinpoint is, as a URL; `AWS_ENDPOINT_URL_PINPOINT` and `AWS_ENDPOINT_URL` say it too. */
  readonly endpoint?: string
  readonly region?: string
}

/** In the order in which they speak for a mail that failed in several ways: first those that may pass. */
const failings = ['THROTTLED', 'TEMPORARY_FAILURE', 'UNKNOWN_FAILURE', 'OPT_OUT', 'PERMANENT_FAILURE']
const successes = ['SUCCESSFUL', 'DUPLICATE']

/**
 * Sends through `SendMessages` of Amazon Pinpoint. The SDK is loaded here and not before. A missing region or missing
 * credentials show at the first mail.
 */
export async function pinpoint(options: PinpointOptions): Promise<Relay> {
  const settings: PinpointClientConfig = upstreamSettings(options)
  const { PinpointClient, SendMessagesCommand } = await import('@aws-sdk/client-pinpoint')
  if (options.endpoint) settings.endpoint = options.endpoint
  if (options.region) settings.region = options.region
  const client = new PinpointClient(settings)

  async function send(mail: Mail): Promise<Receipt> {
    // FromAddress is left out: it is for mails that Pinpoint composes, and this one has its From header.
    const email: EmailMessage = { RawEmail: { Data: Buffer.concat(mail.content, mail.size) } }
    if (mail.sender !== '') email.FeedbackForwardingAddress = mail.sender
    const input: SendMessagesCommandInput = {
      ApplicationId: options.applicationId,
      MessageRequest: {
        Addresses: Object.fromEntries(mail.recipients.map(address => [address, { ChannelType: 'EMAIL' }])),
        MessageConfiguration: { EmailMessage: email },
      },
    }
    // A 200 that cannot be read is no yes: each recipient's result stands in its body.
    const output = await callUpstream(client.config, options, abortSignal =>
      client.send(new SendMessagesCommand(input), { abortSignal }),
    )
    return outcome(mail.recipients, output?.MessageResponse?.Result ?? {})
  }

  return {
    name: 'pinpoint',
    // A request is 7 MB at most, its mail in base64.
    maxMessageBytes: 5_000_000,
    maxRecipientsPerCall: 50,
    maxCalls: maxCallsOf(options),
    answersPerRecipient: true,
    send,
    check: () => findStanding(client.config, options),
  }
}

/** The receipt if every recipient was accepted, else an error. */
function outcome(recipients: readonly string[], results: Record<string, MessageResult>): Receipt {
  const refused: [recipient: string, error: Error][] = []
  let messageId: string | undefined
  for (const recipient of recipients) {
    const { DeliveryStatus, MessageId, StatusMessage } = resultOf(recipient, results)
    if (DeliveryStatus !== undefined && successes.includes(DeliveryStatus)) {
      messageId ??= MessageId
    } else refused.push([recipient, failing(DeliveryStatus, StatusMessage)])
  }
  const receipt = messageId === undefined ? {} : { messageId }
  if (refused.length === 0) return receipt
  refused.sort(([, a], [, b]) => failings.indexOf(a.name) - failings.indexOf(b.name))
  throw new PartialFailure(new Map(refused), receipt)
}

/** The key may have been written otherwise than it was sent. */
function resultOf(recipient: string, results: Record<string, MessageResult>): Partial<MessageResult> {
  const found =
    Object.entries(results).find(([address]) => address === recipient) ??
    Object.entries(results).find(([address]) => address.toLowerCase() === recipient.toLowerCase())
  return found?.[1] ?? { StatusMessage: 'no result' }
}

function failing(status: string | undefined, message: string | undefined): Error {
  const name = status !== undefined && failings.includes(status) ? status : 'UNKNOWN_FAILURE'
  return Object.assign(new Error(message ?? status ?? 'no status'), { name })
}

import type { IncomingMessage } from 'node:http'
import { type Answer, type Certificate, FakeAws, type Outcome } from './fake-aws.ts'

/** One `SendMessages` that was read to its end. */
export interface PinpointCall {
  /** The path, as it was on the wire. */
  readonly path: string
  /** The request as it was sent. */
  readonly request: {
    readonly Addresses: Readonly<Record<string, unknown>>
    readonly MessageConfiguration: { readonly EmailMessage: { readonly RawEmail: { readonly Data: string } } }
  }
  /** `RawEmail.Data`, decoded. */
  readonly data: Buffer
}

/** The result of Pinpoint for one address. */
export interface PinpointResult {
  readonly DeliveryStatus: string
  readonly StatusCode: number
  readonly StatusMessage?: string
  readonly MessageId?: string
}

/** A fake Amazon Pinpoint: REST and JSON, with a result for each address of an accepted request. */
export class FakePinpoint extends FakeAws<PinpointCall> {
  protected readonly service = 'mobiletargeting'
  /** Returns the result of an address, or undefined to leave it out of the answer. */
  resultFor: (address: string, messageId: string) => PinpointResult | undefined = successful

  static start(certificate?: Certificate): Promise<FakePinpoint> {
    return new FakePinpoint(certificate).listen()
  }

  protected read({ url }: IncomingMessage, body: Buffer): PinpointCall {
    const request = JSON.parse(body.toString()) as PinpointCall['request']
    const { Data } = request.MessageConfiguration.EmailMessage.RawEmail
    return { path: url!, request, data: Buffer.from(Data, 'base64') }
  }

  protected accepted({ request }: PinpointCall, messageId: string): Answer {
    const addresses = Object.keys(request.Addresses)
    const results = addresses.map(address => [address, this.resultFor(address, messageId)])
    // JSON.stringify leaves out undefined results.
    return json(200, { ApplicationId: 'app', RequestId: 'r', Result: Object.fromEntries(results) })
  }

  protected quota(): Answer {
    throw new Error('Pinpoint has none')
  }

  protected refused({ status, code, message }: Extract<Outcome, { type: 'refuse' }>): Answer {
    return json(status, { RequestID: 'r', Message: message }, { 'x-amzn-errortype': code })
  }
}

/** Returns the result of an address that received the message. */
export function successful(_: string, MessageId: string): PinpointResult {
  return { DeliveryStatus: 'SUCCESSFUL', StatusCode: 200, StatusMessage: 'ok', MessageId }
}

function json(status: number, body: object, headers = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

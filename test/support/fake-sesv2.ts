import type { IncomingMessage } from 'node:http'
import { type Answer, type Certificate, FakeAws, type Outcome } from './fake-aws.ts'

/** A `SendEmail` request that was read completely. */
export interface SesV2Call {
  /** The request as it was sent. */
  readonly request: {
    readonly Content: { readonly Raw: { readonly Data: string } }
    readonly Destination: { readonly ToAddresses: readonly string[] }
  }
  /** `Content.Raw.Data`, decoded. */
  readonly data: Buffer
}

/** A fake Amazon SES, API version 2: REST and JSON. */
export class FakeSesV2 extends FakeAws<SesV2Call> {
  protected readonly service = 'ses'

  static start(certificate?: Certificate): Promise<FakeSesV2> {
    return new FakeSesV2(certificate).listen()
  }

  protected read({ method, url }: IncomingMessage, body: Buffer): SesV2Call | undefined {
    // An endpoint may have a path of its own.
    if (method === 'GET' && url!.endsWith('/v2/email/account')) return undefined
    if (method !== 'POST' || !url!.endsWith('/v2/email/outbound-emails')) throw new Error(`${method} ${url}`)
    const request = JSON.parse(body.toString()) as SesV2Call['request']
    return { request, data: Buffer.from(request.Content.Raw.Data, 'base64') }
  }

  protected accepted(_: SesV2Call, messageId: string): Answer {
    return json(200, { MessageId: messageId })
  }

  protected quota(maxSendRate: number): Answer {
    const quota = { Max24HourSend: 200, MaxSendRate: maxSendRate, SentLast24Hours: 1 }
    return json(200, { SendQuota: quota, SendingEnabled: true })
  }

  protected refused({ status, code, message }: Extract<Outcome, { type: 'refuse' }>): Answer {
    return json(status, { message }, { 'x-amzn-errortype': code })
  }
}

function json(status: number, body: object, headers = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

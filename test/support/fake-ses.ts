import type { IncomingMessage } from 'node:http'
import { type Answer, type Certificate, FakeAws, type Outcome } from './fake-aws.ts'

export type { Decision, Director, Outcome } from './fake-aws.ts'

/** A `SendRawEmail` request that was read completely. */
export interface SesCall {
  readonly source: string | undefined
  readonly destinations: readonly string[]
  /** `RawMessage.Data`, decoded. */
  readonly data: Buffer
  /** All parameters as they were sent. */
  readonly parameters: URLSearchParams
  readonly authorization: string | undefined
}

/** A fake Amazon SES, API version 1: form parameters in requests, XML in answers. */
export class FakeSes extends FakeAws<SesCall> {
  protected readonly service = 'ses'

  static start(certificate?: Certificate): Promise<FakeSes> {
    return new FakeSes(certificate).listen()
  }

  protected read(request: IncomingMessage, body: Buffer): SesCall | undefined {
    const parameters = new URLSearchParams(body.toString('latin1'))
    if (parameters.get('Action') === 'GetSendQuota') return undefined
    const destinations: string[] = []
    for (let n = 1; parameters.has(`Destinations.member.${n}`); n++) {
      destinations.push(parameters.get(`Destinations.member.${n}`)!)
    }
    return {
      source: parameters.get('Source') ?? undefined,
      destinations,
      data: Buffer.from(parameters.get('RawMessage.Data') ?? '', 'base64'),
      parameters,
      authorization: request.headers.authorization,
    }
  }

  protected accepted(_: SesCall, messageId: string): Answer {
    return xml(200, result('SendRawEmail', `<MessageId>${messageId}</MessageId>`))
  }

  protected quota(maxSendRate: number): Answer {
    const quota = `<Max24HourSend>200.0</Max24HourSend><SentLast24Hours>1.0</SentLast24Hours>`
    return xml(200, result('GetSendQuota', `${quota}<MaxSendRate>${maxSendRate.toFixed(1)}</MaxSendRate>`))
  }

  protected refused({ status, code, message }: Extract<Outcome, { type: 'refuse' }>): Answer {
    const text = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
    const type = status < 500 ? 'Sender' : 'Receiver'
    return xml(
      status,
      `<ErrorResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><Error><Type>${type}</Type><Code>${code}</Code><Message>${text}</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
    )
  }
}

function xml(status: number, body: string): Answer {
  return { status, headers: { 'content-type': 'text/xml' }, body }
}

function result(action: string, content: string): string {
  return `<${action}Response xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><${action}Result>${content}</${action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></${action}Response>`
}

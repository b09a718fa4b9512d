import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SesStandIn } from './ses-stand-in.ts'
import { checkSignature } from './signature.ts'

/** One request for credentials. */
export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly parameters: URLSearchParams
}

/**
 * All that hands out temporary credentials in AWS, on 127.0.0.1: STS, the metadata service of EC2, the credentials
 * endpoint of containers. SES knows each of them, so that it accepts their signatures.
 */
export class Issuer {
  /** The requests that were granted. */
  readonly requests: Request[] = []
  /** The access keys that were handed out, the newest one last. */
  readonly keys: string[] = []
  /** How long the credentials that are handed out are good. */
  validMs = 60 * 60 * 1000
  /** What a container must show. */
  authorization: string | undefined
  /** What every request is answered with instead. */
  refusal: { readonly status: number; readonly body: string } | undefined
  readonly #ses: SesStandIn
  #issued = 0
  readonly #server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    if (this.refusal) return void response.writeHead(this.refusal.status).end(this.refusal.body)
    const answer = this.#answer(request, Buffer.concat(chunks))
    response.writeHead(answer === undefined ? 403 : 200).end(answer)
  })

  constructor(ses: SesStandIn) {
    this.#ses = ses
  }

  static async start(ses: SesStandIn): Promise<Issuer> {
    const issuer = new Issuer(ses)
    await new Promise<void>(resolve => issuer.#server.listen(0, '127.0.0.1', resolve))
    return issuer
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  #answer(request: IncomingMessage, body: Buffer): string | undefined {
    const { method = '', url: path = '', headers } = request
    const parameters = new URLSearchParams(body.toString())
    const grant = (answer: string) => {
      this.requests.push({ method, path, headers, parameters })
      return answer
    }
    switch (`${method} ${path}`) {
      case 'PUT /latest/api/token':
        return 'metadata-token'
      case 'GET /latest/meta-data/iam/security-credentials/':
        return headers['x-aws-ec2-metadata-token'] === 'metadata-token' ? 'role-of-the-machine' : undefined
      case 'GET /latest/meta-data/iam/security-credentials/role-of-the-machine':
        return headers['x-aws-ec2-metadata-token'] === 'metadata-token' ? grant(this.#json()) : undefined
      case 'GET /container':
        return headers.authorization === this.authorization ? grant(this.#json()) : undefined
    }
    if (parameters.get('Action') === 'AssumeRoleWithWebIdentity')
      return grant(this.#xml('AssumeRoleWithWebIdentity'))
    const accounts = new Map([['AKIDEXAMPLE', { secret: 'not-a-secret' }]])
    if (checkSignature(request, body, 'sts', accounts)) return undefined
    return parameters.get('Action') === 'AssumeRole' ? grant(this.#xml('AssumeRole')) : undefined
  }

  #issue() {
    const number = ++this.#issued
    const [key, secret, token] = [`ASIA${number}`, `secret ${number}`, `token ${number}`]
    this.#ses.trust(key, { secret, token })
    this.keys.push(key)
    return { key, secret, token, expiration: new Date(Date.now() + this.validMs).toISOString() }
  }

  #json(): string {
    const { key, secret, token, expiration } = this.#issue()
    return JSON.stringify({
      Code: 'Success',
      Type: 'AWS-HMAC',
      AccessKeyId: key,
      SecretAccessKey: secret,
      Token: token,
      Expiration: expiration,
    })
  }

  #xml(action: string): string {
    const { key, secret, token, expiration } = this.#issue()
    return `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials><AccessKeyId>${key}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey><SessionToken>${token}</SessionToken><Expiration>${expiration}</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn><AssumedRoleId>x:s</AssumedRoleId></AssumedRoleUser></${action}Result></${action}Response>`
  }
}

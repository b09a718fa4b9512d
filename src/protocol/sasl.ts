import type { Reply } from './reply.ts'

/**
 * What a client sent to prove its identity. The engine never checks it; the host does, when asked `login`.
 * `password`: PLAIN and LOGIN. `digest`: CRAM-MD5, an HMAC-MD5 of the challenge, keyed with the password (RFC 2195).
 */
export type Credentials =
  | {
      readonly type: 'password'
      /** The user name that the client gave, which the host may not know. */
      readonly username: string
      /** In clear text: never store or log it. */
      readonly password: string
      /** PLAIN's authorization identity (RFC 4616): the user to act as. Absent if the client gave none. */
      readonly authorizationId?: string
    }
  | {
      readonly type: 'digest'
      /** The user name that the client gave. */
      readonly username: string
      /** The challenge that the client signed. */
      readonly challenge: string
      /** 16 bytes. */
      readonly digest: Buffer
    }

/** What follows a response of the client: another challenge, the credentials at the end, or a refusal. */
export type SaslStep =
  | { readonly type: 'challenge'; readonly challenge: Buffer }
  | { readonly type: 'credentials'; readonly credentials: Credentials }
  | { readonly type: 'refusal'; readonly reply: Reply }

/** One authentication exchange. */
export interface SaslServer {
  /**
   * Called first with the initial response (`undefined` if the client sent none), then with every response. Responses
   * are already decoded from base64; the engine encodes challenges.
   */
  step(response: Buffer | undefined): SaslStep
}

/** A SASL mechanism (RFC 4422), for example PLAIN. */
export interface Mechanism {
  /** Registered name, in upper case. */
  readonly name: string
  /** Sends the password in clear text, so it is offered under TLS only, unless `allowPlaintextAuth` is set. */
  readonly plaintext: boolean
  /** Starts an exchange. Called for each AUTH, so that no state is shared between logins. */
  start(): SaslServer
}

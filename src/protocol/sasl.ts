import type { Reply } from './reply.ts'

/**
 * What a client gave to prove who it is. The engine never judges it; the host does, when asked `login`.
 * `password`: PLAIN and LOGIN. `digest`: CRAM-MD5, an HMAC-MD5 of the challenge, keyed with the password (RFC 2195).
 */
export type Credentials =
  | {
      readonly type: 'password'
      /** Who the client says it is; it may be nobody whom the host knows. */
      readonly username: string
      /** In clear: never to be kept or shown. */
      readonly password: string
      /** PLAIN's authorization identity (RFC 4616), where one was given: the user to act as. */
      readonly authorizationId?: string
    }
  | {
      readonly type: 'digest'
      /** Who the client says it is. */
      readonly username: string
      /** What the mechanism had asked it to sign. */
      readonly challenge: string
      /** 16 bytes. */
      readonly digest: Buffer
    }

/** What an exchange says to the client's latest response: a challenge, the credentials at its end, or a refusal. */
export type Step =
  | { readonly type: 'challenge'; readonly challenge: Buffer }
  | { readonly type: 'credentials'; readonly credentials: Credentials }
  | { readonly type: 'refusal'; readonly reply: Reply }

/** One run of a mechanism. */
export interface SaslServer {
  /**
   * Called first with the initial response (`undefined` where the client sent none), then with every response.
   * Responses come decoded from base64; challenges are encoded by the engine.
   */
  step(response: Buffer | undefined): Step
}

/** A way to log in (RFC 4422), for example PLAIN. */
export interface Mechanism {
  /** Its registered name, upper case. */
  readonly name: string
  /** Shows the password to whoever listens: offered under TLS only, unless the operator allows otherwise. */
  readonly plaintext: boolean
  /** Called for each AUTH, so that one login knows nothing of another. */
  start(): SaslServer
}

import { randomBytes } from 'node:crypto'
import { type Credentials, type Mechanism, readUtf8, replies, type SaslStep } from '../protocol/index.ts'

/** PLAIN (RFC 4616): `[authzid] NUL authcid NUL passwd` in one response. */
export const plain: Mechanism = {
  name: 'PLAIN',
  plaintext: true,
  start: () => ({
    step(response) {
      if (response === undefined) return challenge('')
      const parts = readUtf8(response)?.split('\0')
      if (parts?.length !== 3) return malformed
      const [authorizationId, username, password] = parts as [string, string, string]
      if (!isIdentity(username) || password === '') return malformed
      if (authorizationId === '' || authorizationId === username)
        return credentials({ type: 'password', username, password })
      return isIdentity(authorizationId)
        ? credentials({ type: 'password', username, password, authorizationId })
        : malformed
    },
  }),
}

/** LOGIN (draft-murchison-sasl-login): user name, then password. An initial response is the user name. */
export const login: Mechanism = {
  name: 'LOGIN',
  plaintext: true,
  start() {
    let username: string | undefined
    return {
      step(response) {
        if (response === undefined) return challenge('Username:')
        const text = readUtf8(response)
        if (username === undefined) {
          if (text === undefined || !isIdentity(text)) return malformed
          username = text
          return challenge('Password:')
        }
        // Like PLAIN, rejects an empty password: many directories treat it as an anonymous login and accept it.
        return text ? credentials({ type: 'password', username, password: text }) : malformed
      },
    }
  },
}

/** The settings of CRAM-MD5. */
export interface CramMd5Options {
  /** The name of this server in the default challenge; `localhost` if left out. */
  readonly hostname?: string
  /** Creates the challenge of one login. Challenges must be unique and unpredictable. */
  readonly challenge?: () => string
}

/** CRAM-MD5 (RFC 2195): the client answers a challenge with `user SP digest`. The password is never sent. */
export function cramMd5({ hostname = 'localhost', challenge: create }: CramMd5Options = {}): Mechanism {
  return {
    name: 'CRAM-MD5',
    plaintext: false,
    start() {
      let sent: string | undefined
      return {
        step(response) {
          if (sent === undefined) {
            if (response !== undefined) return { type: 'refusal', reply: replies.noInitialResponse }
            sent = create === undefined ? `<${randomBytes(16).toString('hex')}@${hostname}>` : create()
            return challenge(sent)
          }
          // The user name may contain spaces, the digest does not. So the digest is what follows the last space.
          const [, username = '', hex = ''] =
            /^(.*) ([0-9a-f]{32})$/s.exec(response === undefined ? '' : (readUtf8(response) ?? '')) ?? []
          if (!isIdentity(username)) return malformed
          const digest = Buffer.from(hex, 'hex')
          return credentials({ type: 'digest', username, challenge: sent, digest })
        },
      }
    },
  }
}

const malformed: SaslStep = { type: 'refusal', reply: replies.badResponse }

function challenge(text: string): SaslStep {
  return { type: 'challenge', challenge: Buffer.from(text) }
}

function credentials(credentials: Credentials): SaslStep {
  return { type: 'credentials', credentials }
}

/** Names are written to logs and headers, so they must not contain control characters (C0 and C1). */
function isIdentity(name: string): boolean {
  return name !== '' && !/\p{Cc}/u.test(name)
}

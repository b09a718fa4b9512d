import { randomBytes } from 'node:crypto'
import { readUtf8 } from '../protocol/grammar.ts'
import { replies } from '../protocol/replies.ts'
import type { Credentials, Mechanism, Step } from '../protocol/sasl.ts'

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

/** LOGIN (draft-murchison-sasl-login): user name and password one by one. An initial response is the user name. */
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
        // As in PLAIN an empty password is none: many a directory takes it for an anonymous login, and consents.
        return text ? credentials({ type: 'password', username, password: text }) : malformed
      },
    }
  },
}

/** What makes the challenge of CRAM-MD5. */
export interface CramMd5Options {
  /** The name of this server in the default challenge. */
  readonly hostname?: string
  /** Called once per attempt; no two challenges may be the same, and nobody may foresee one. */
  readonly challenge?: () => string
}

/** CRAM-MD5 (RFC 2195): `user SP digest` answers a challenge, by default `<random@hostname>`; the password is never sent. */
export function cramMd5({ hostname = 'localhost', challenge: make }: CramMd5Options = {}): Mechanism {
  return {
    name: 'CRAM-MD5',
    plaintext: false,
    start() {
      let sent: string | undefined
      return {
        step(response) {
          if (sent === undefined) {
            if (response !== undefined) return { type: 'refusal', reply: replies.noInitialResponse }
            sent = make === undefined ? `<${randomBytes(16).toString('hex')}@${hostname}>` : make()
            return challenge(sent)
          }
          // The user name may hold spaces, the digest none: it stands behind the last one.
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

const malformed: Step = { type: 'refusal', reply: replies.badResponse }

function challenge(text: string): Step {
  return { type: 'challenge', challenge: Buffer.from(text) }
}

function credentials(credentials: Credentials): Step {
  return { type: 'credentials', credentials }
}

/** Names go to logs and headers: no control characters, C1 included. */
function isIdentity(name: string): boolean {
  return name !== '' && !/\p{Cc}/u.test(name)
}

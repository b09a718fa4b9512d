import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'

export type { SecureContext }

/** A certificate chain and its key, as read from their files. */
export interface Certificate {
  /** PEM, the server's certificate first. */
  readonly cert: Buffer
  /** PEM: PKCS#1, SEC1 or PKCS#8, plain or encrypted. */
  readonly key: Buffer
  /** For an encrypted key. */
  readonly passphrase?: string
}

/**
 * The cipher suites that `secureContext` offers, in the order in which the server prefers them. For TLS 1.3 these are
 * the three of RFC 8446 that OpenSSL offers by default. For TLS 1.2 they are the four that RFC 9325 section 4.2
 * recommends, and the same key exchanges with ChaCha20-Poly1305 (RFC 7905). Each of them has forward secrecy and is
 * an AEAD: there is no static RSA and no finite-field DHE (section 4.1), and no CBC.
 */
export const tlsCiphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/**
 * Groups for the key exchange (RFC 9325 section 4.2.1). OpenSSL's default also has the finite-field groups of TLS
 * 1.3: no client needs them, and one key exchange in the largest one costs the server as much as hundreds of others.
 */
const groups = 'X25519:P-256:P-384:P-521'
/** The hybrid group that resists quantum computers; OpenSSL has it from 3.5 on. */
const hybridGroup = 'X25519MLKEM768'

/**
 * Makes a TLS context as RFC 9325 recommends: TLS 1.2 or later, and `tlsCiphers` in the server's order. Signature
 * algorithms are OpenSSL's default, without SHA-1.
 * @throws Error whose message says what is wrong with the certificate or the key
 */
export function secureContext({ cert, key, passphrase }: Certificate): SecureContext {
  const certificate = readCertificate(cert)
  const privateKey = readKey(key, passphrase)
  if (!certificate.checkPrivateKey(privateKey)) throw new Error('tls: private key does not match public key')
  return createSecureContext({
    cert,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    minVersion: 'TLSv1.2',
    ciphers: tlsCiphers,
    // `node:tls` sets this for its own servers only.
    honorCipherOrder: true,
    ecdhCurve: supportedGroups(),
    secureOptions:
      // Renegotiation costs the server much, and no client needs it.
      constants.SSL_OP_NO_RENEGOTIATION |
      // OpenSSL would use one key for all tickets of a context. With that key, every recorded session that was
      // resumed with TLS 1.2 could be decrypted, so RFC 9325 section 3.4 asks for keys that change, or no tickets.
      constants.SSL_OP_NO_TICKET,
  })
}

function supportedGroups(): string {
  const all = `${hybridGroup}:${groups}`
  try {
    createSecureContext({ ecdhCurve: all })
    return all
  } catch {
    return groups
  }
}

/** Returns when the first certificate of a file expires. @param pem one that `secureContext` has accepted */
export function expiryOf(pem: Buffer): Date {
  return new Date(new X509Certificate(pem).validTo)
}

function readCertificate(pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw new Error('tls: failed to find any certificate in PEM format', { cause })
  }
}

function readKey(pem: Buffer, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) })
  } catch (cause) {
    throw new Error(
      keyErrors.get((cause as NodeJS.ErrnoException).code ?? '') ?? 'tls: failed to parse private key',
      {
        cause,
      },
    )
  }
}

/** Messages for OpenSSL's codes of common errors. */
const keyErrors = new Map([
  ['ERR_MISSING_PASSPHRASE', 'tls: private key is encrypted, its passphrase is missing'],
  ['ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED', 'tls: private key is encrypted, its passphrase is missing'],
  ['ERR_OSSL_BAD_DECRYPT', 'tls: passphrase of the private key is wrong'],
  ['ERR_OSSL_EVP_UNSUPPORTED', 'tls: private key is encrypted with a cipher that is not supported'],
])

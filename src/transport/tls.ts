import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'

export type { SecureContext }

/** A certificate chain and its key, as they stand in their files. */
export interface Certificate {
  /** PEM, the server's own certificate first. */
  readonly cert: Buffer
  /** PEM: PKCS#1, SEC1 or PKCS#8, plain or encrypted. */
  readonly key: Buffer
  /** For an encrypted key. */
  readonly passphrase?: string
}

/**
 * What TLS needs to begin, TLS 1.2 at least (RFC 8996).
 * @throws Error with a sentence that says what is wrong with the certificate or the key
 */
export function secureContext({ cert, key, passphrase }: Certificate): SecureContext {
  const certificate = readCertificate(cert)
  const privateKey = readKey(key, passphrase)
  if (!certificate.checkPrivateKey(privateKey)) throw new Error('tls: private key does not match public key')
  return createSecureContext({
    cert,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    minVersion: 'TLSv1.2',
    // A client that renegotiates without end costs much and has no reason to.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  })
}

/** When a certificate expires, the first one of the file. @param pem one that `secureContext` took */
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
      keyFaults.get((cause as NodeJS.ErrnoException).code ?? '') ?? 'tls: failed to parse private key',
      {
        cause,
      },
    )
  }
}

/** What OpenSSL calls the faults that people meet. */
const keyFaults = new Map([
  ['ERR_MISSING_PASSPHRASE', 'tls: private key is encrypted, its passphrase is missing'],
  ['ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED', 'tls: private key is encrypted, its passphrase is missing'],
  ['ERR_OSSL_BAD_DECRYPT', 'tls: passphrase of the private key is wrong'],
  ['ERR_OSSL_EVP_UNSUPPORTED', 'tls: private key is encrypted with a cipher that is not supported'],
])

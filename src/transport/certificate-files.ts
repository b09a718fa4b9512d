import { X509Certificate } from 'node:crypto'
import { readFileSync, type StatsListener, unwatchFile, watchFile } from 'node:fs'
import type { SecureContext } from 'node:tls'
import { expiryOf, secureContext } from './tls.ts'

/** PEM files of the server's certificate and its key. */
export interface CertificatePaths {
  /** The server's own certificate first, then those that lead to a root. */
  readonly certPath: string
  /** The private key of the first one. */
  readonly keyPath: string
  /** For an encrypted key. */
  readonly passphrase?: string | undefined
}

/** How often the files are looked at, in milliseconds. */
const pollIntervalMs = 5_000

/**
 * A certificate that is renewed while the server runs. Handshakes that begin after a change use the new one; nothing
 * happens to connections that are open.
 */
export class CertificateFiles {
  readonly #paths: CertificatePaths
  #read: Loaded
  readonly #listeners: StatsListener[] = []

  /** @throws Error with a sentence that says which file cannot be read or what is wrong with it */
  constructor(paths: CertificatePaths) {
    this.#paths = paths
    this.#read = read(paths)
  }

  /** What a handshake that begins now uses. */
  get context(): SecureContext {
    return this.#read.context
  }

  /** When the certificate that is in use expires. */
  get expiresAt(): Date {
    return this.#read.expiresAt
  }

  /** The server's own certificate, as it stands in its file now. @throws Error as above */
  certificate(): X509Certificate {
    return new X509Certificate(readPem(this.#paths.certPath))
  }

  /** Reads the files again. When they cannot be used, what they held before stays in use. @throws Error as above */
  reload(): void {
    this.#read = read(this.#paths)
  }

  /**
   * Calls back when a file has changed. Files are looked at by their path every few seconds, and not watched by the
   * kernel, because they are replaced by renaming, or by a symbolic link somewhere above them.
   */
  watch(onChange: () => void, everyMs = pollIntervalMs): void {
    const listener: StatsListener = (now, before) => {
      // A file that is gone for a moment will be back.
      if (now.mtimeMs !== 0 && (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino)) onChange()
    }
    this.#listeners.push(listener)
    for (const path of this.#all) watchFile(path, { interval: everyMs, persistent: false }, listener)
  }

  /** Looks no more. Others in this process may look at the same files, and go on. */
  unwatch(): void {
    for (const listener of this.#listeners.splice(0))
      for (const path of this.#all) unwatchFile(path, listener)
  }

  get #all(): readonly string[] {
    return [this.#paths.certPath, this.#paths.keyPath]
  }
}

/** What the files held. */
interface Loaded {
  readonly context: SecureContext
  readonly expiresAt: Date
}

function read({ certPath, keyPath, passphrase }: CertificatePaths): Loaded {
  const certificate = { cert: readPem(certPath), key: readPem(keyPath) }
  return {
    context: secureContext(passphrase === undefined ? certificate : { ...certificate, passphrase }),
    expiresAt: expiryOf(certificate.cert),
  }
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reasons: Record<string, string> = {
      ENOENT: 'no such file or directory',
      EACCES: 'permission denied',
      EISDIR: 'is a directory',
    }
    throw new Error(`open ${path}: ${reasons[code ?? ''] ?? message}`, { cause: error })
  }
}

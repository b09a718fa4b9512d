import { X509Certificate } from 'node:crypto'
import { readFileSync, type StatsListener, unwatchFile, watchFile } from 'node:fs'
import type { SecureContext } from 'node:tls'
import { expiryOf, secureContext } from './tls.ts'

/** PEM files of the server's certificate and its key. */
export interface CertificatePaths {
  /** The server's certificate first, then the intermediate certificates. */
  readonly certPath: string
  /** The private key of the server's certificate. */
  readonly keyPath: string
  /** For an encrypted key. */
  readonly passphrase?: string | undefined
}

/** Milliseconds between two checks of the files. */
const pollIntervalMs = 5_000

/**
 * A certificate that may be renewed while the server runs. Handshakes that begin after `reload` use the new one; open
 * connections are not affected.
 */
export class CertificateFiles {
  readonly #paths: CertificatePaths
  #loaded: Loaded
  readonly #listeners: StatsListener[] = []

  /** @throws Error whose message names the file that cannot be read, or what is wrong with it */
  constructor(paths: CertificatePaths) {
    this.#paths = paths
    this.#loaded = load(paths)
  }

  /** Certificate and key for a handshake that begins now. */
  get context(): SecureContext {
    return this.#loaded.context
  }

  /** When the certificate in use expires. */
  get expiresAt(): Date {
    return this.#loaded.expiresAt
  }

  /** Reads the server's certificate from its file. It need not be the one in use. @throws Error as above */
  certificate(): X509Certificate {
    return new X509Certificate(readPem(this.#paths.certPath))
  }

  /** Reads the files again. If that fails, the earlier certificate stays in use. @throws Error as above */
  reload(): void {
    this.#loaded = load(this.#paths)
  }

  /**
   * Calls back when a file has changed. The files are polled by path and not watched by the kernel, because they may be
   * replaced by renaming, or by changing a symbolic link to one of their directories.
   */
  watch(onChange: () => void, everyMs = pollIntervalMs): void {
    const listener: StatsListener = (now, before) => {
      // A file that is missing is being replaced.
      if (now.mtimeMs !== 0 && (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino)) onChange()
    }
    this.#listeners.push(listener)
    for (const path of this.#all) watchFile(path, { interval: everyMs, persistent: false }, listener)
  }

  /** Stops watching. Other objects that watch the same files are not affected. */
  unwatch(): void {
    for (const listener of this.#listeners.splice(0))
      for (const path of this.#all) unwatchFile(path, listener)
  }

  get #all(): readonly string[] {
    return [this.#paths.certPath, this.#paths.keyPath]
  }
}

/** The content of the files. */
interface Loaded {
  readonly context: SecureContext
  readonly expiresAt: Date
}

function load({ certPath, keyPath, passphrase }: CertificatePaths): Loaded {
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

import type * as fs from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** The functions of `node:fs/promises` that a Maildir needs. Tests pass their own. */
export type Files = Pick<typeof fs, 'lstat' | 'mkdir' | 'open' | 'readdir' | 'rename' | 'unlink'>

/** Creates a directory (mode 0700) and its missing parents, and syncs them, so that a crash cannot remove them. */
export async function makeDirectory(files: Files, path: string): Promise<void> {
  const first = await files.mkdir(path, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  const highest = dirname(resolve(first))
  for (let created = resolve(path); created !== highest; created = dirname(created))
    await sync(files, dirname(created))
}

/**
 * Writes the names in one directory to disk (fsync). Calls during a sync share the next one, which begins after them and so
 * covers their changes.
 */
export class DirectorySync {
  readonly #files: Files
  readonly #path: string
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(files: Files, path: string) {
    this.#files = files
    this.#path = path
  }

  /** Resolves when every name that was in the directory at the time of the call is on disk. */
  sync(): Promise<void> {
    if (this.#running === undefined) return this.#start()
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    )
    return this.#next
  }

  #start(): Promise<void> {
    this.#next = undefined
    const run = sync(this.#files, this.#path).finally(() => {
      if (this.#running === run) this.#running = undefined
    })
    this.#running = run
    return run
  }
}

/** Opens the directory each time, because it may have been replaced by another one in the meantime. */
async function sync(files: Files, path: string): Promise<void> {
  const handle = await files.open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

import type * as fs from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** The part of `node:fs/promises` that a Maildir needs; another one may take its place. */
export type Files = Pick<typeof fs, 'lstat' | 'mkdir' | 'open' | 'readdir' | 'rename' | 'unlink'>

/** Makes a directory (0700) and those above it that are missing, so that a crash cannot take them away again. */
export async function makeDirectory(files: Files, path: string): Promise<void> {
  const first = await files.mkdir(path, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  const highest = dirname(resolve(first))
  for (let made = resolve(path); made !== highest; made = dirname(made)) await sync(files, dirname(made))
}

/**
 * Makes the names in one directory safe on disk. Callers that come while a sync runs share the next one: that one
 * begins after they came, so it covers what they did.
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

  /** Resolves once every name that was in the directory at the time of the call is safe. */
  sync(): Promise<void> {
    if (this.#running === undefined) return this.#begin()
    this.#next ??= this.#running.then(
      () => this.#begin(),
      () => this.#begin(),
    )
    return this.#next
  }

  #begin(): Promise<void> {
    this.#next = undefined
    const run = sync(this.#files, this.#path).finally(() => {
      if (this.#running === run) this.#running = undefined
    })
    this.#running = run
    return run
  }
}

/** The directory is opened anew each time: one that was replaced meanwhile must not go unsynced. */
async function sync(files: Files, path: string): Promise<void> {
  const handle = await files.open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

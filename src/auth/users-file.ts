import { readFile } from 'node:fs/promises'
import type { Expression } from './accounts.ts'
import { type ParseOptions, readUsers, type Users } from './users.ts'

/** What a file of users is read with. */
export interface UsersFileOptions extends Omit<ParseOptions, 'path'> {
  /**
   * Called where the file can no longer be read, or what stands in it; its users stay as they were. The message is for
   * the operator. The same one is not told twice in a row.
   */
  onError?(error: Error): void
  /** Reads a file whole. */
  readonly read?: (path: string) => Promise<Buffer>
}

/**
 * The users of a file, read again where they are asked for, once a second at most; what has changed since holds then.
 *
 * Nothing is watched, and no time of change is compared: the bytes are. So it does not matter how the file was changed:
 * written in place, replaced by another, or behind symbolic links that were exchanged, as Kubernetes does with secrets;
 * nor whether the file system tells of changes, or how finely its clock ticks. Where nobody logs in nothing is read.
 * A file that is written in place may be read while it is empty or its last line is incomplete: the users stay as they
 * were, and the file is read again a second later.
 */
export class UsersFile {
  readonly #path: string
  readonly #options: UsersFileOptions
  #users: Users = new Map()
  #bytes: Buffer | undefined
  /** Those of the users, by source. */
  #expressions: ReadonlyMap<string, Expression> = new Map()
  #readAt = 0
  #reading: Promise<Users> | undefined
  #reported: string | undefined

  /** Use `open`. */
  private constructor(path: string, ports: UsersFileOptions) {
    this.#path = path
    this.#options = ports
  }

  /** Reads the file for the first time. Rejects with an Error for the operator where it cannot. */
  static async open(path: string, ports: UsersFileOptions): Promise<UsersFile> {
    const file = new UsersFile(path, ports)
    file.#readAt = file.#now()
    await file.#read()
    return file
  }

  /** The users as the file has them, or had them less than a second ago. Never rejects. */
  current(): Users | Promise<Users> {
    if (this.#reading !== undefined) return this.#reading
    if (this.#now() - this.#readAt < minRereadMs) return this.#users
    this.#readAt = this.#now()
    this.#reading = this.#readAgain()
    return this.#reading
  }

  async #readAgain(): Promise<Users> {
    try {
      await this.#read()
      this.#reported = undefined
    } catch (error) {
      this.#report(error as Error)
    } finally {
      this.#reading = undefined
    }
    return this.#users
  }

  async #read(): Promise<void> {
    const bytes = await (this.#options.read ?? readFile)(this.#path).catch(error => {
      throw new Error(describe(error, this.#path))
    })
    if (this.#bytes?.equals(bytes)) return
    if (this.#bytes !== undefined && bytes.length === 0)
      throw new Error(
        `${this.#path}: the file is empty and is not used; to remove all users, leave a comment line (#) in it`,
      )
    const expressions = new Map<string, Expression>()
    const compile = async (source: string, place: string) => {
      const known = expressions.get(source) ?? this.#expressions.get(source)
      const expression = known ?? (await this.#compile(source, place))
      expressions.set(source, expression)
      return expression
    }
    this.#users = await readUsers(bytes, { ...this.#options, path: this.#path, compile })
    this.#expressions = expressions
    // Of a broken file the bytes are not kept: as long as it stays, it is broken anew.
    this.#bytes = bytes
  }

  /** Thousands of expressions take seconds: others have their turn in between. */
  async #compile(source: string, place: string): Promise<Expression> {
    await new Promise(resolve => setImmediate(resolve))
    return this.#options.compile(source, place)
  }

  #report(error: Error): void {
    if (error.message === this.#reported) return
    this.#reported = error.message
    this.#options.onError?.(error)
  }

  #now(): number {
    return (this.#options.now ?? monotonic)()
  }
}

const minRereadMs = 1000

const monotonic = () => performance.now()

/** In the words of Go, as far as they are everyday. */
function describe({ code, message }: NodeJS.ErrnoException, path: string): string {
  if (code === 'ENOENT') return `open ${path}: no such file or directory`
  if (code === 'EACCES') return `open ${path}: permission denied`
  return `${path}: ${message}`
}

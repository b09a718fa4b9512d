import { readFile } from 'node:fs/promises'
import type { Expression } from '../support/expression.ts'
import { type ParseOptions, parseUsers, type UsersByName } from './users.ts'

/** The settings of a users file. */
export interface UsersFileOptions extends Omit<ParseOptions, 'path'> {
  /**
   * Called if the file can no longer be read or parsed; the users that were loaded earlier stay. The message is for the
   * operator. The same message is not reported twice in a row.
   */
  onError?(error: Error): void
  /** Reads a whole file; `readFile` of Node.js if left out. */
  readonly read?: (path: string) => Promise<Buffer>
}

/**
 * The users of a file. The file is read again when the users are asked for, at most once a second, so that changes take
 * effect without a restart.
 *
 * The file is not watched, and no modification times are compared: the bytes are. So it does not matter how the file is
 * changed (written in place, replaced, or through symbolic links that are exchanged, as Kubernetes does with secrets), nor
 * whether the file system reports changes or how precise its clock is. While no client logs in, nothing is read.
 * A file that is written in place may be read while it is empty or its last line is incomplete. Then the users stay as
 * they were, and the file is read again a second later.
 */
export class UsersFile {
  readonly #path: string
  readonly #options: UsersFileOptions
  #users: UsersByName = new Map()
  #bytes: Buffer | undefined
  /** The compiled expressions of the users, by source. */
  #expressions: ReadonlyMap<string, Expression> = new Map()
  #readAt = 0
  #reading: Promise<UsersByName> | undefined
  #reported: string | undefined

  /** Use `open`. */
  private constructor(path: string, options: UsersFileOptions) {
    this.#path = path
    this.#options = options
  }

  /**
   * Reads the file for the first time.
   * @throws Error for the operator if the file cannot be read or parsed
   */
  static async open(path: string, options: UsersFileOptions): Promise<UsersFile> {
    const file = new UsersFile(path, options)
    file.#readAt = file.#now()
    await file.#read()
    return file
  }

  /** Returns the users that are in the file now, or were in it less than a second ago. Never rejects. */
  current(): UsersByName | Promise<UsersByName> {
    if (this.#reading !== undefined) return this.#reading
    if (this.#now() - this.#readAt < minRereadMs) return this.#users
    this.#readAt = this.#now()
    this.#reading = this.#reread()
    return this.#reading
  }

  async #reread(): Promise<UsersByName> {
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
    this.#users = await parseUsers(bytes, { ...this.#options, path: this.#path, compile })
    this.#expressions = expressions
    // The bytes of a broken file are not stored, so that it is parsed, and reported, each time.
    this.#bytes = bytes
  }

  /** Thousands of expressions take seconds to compile. Other work runs in between. */
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

/** Describes why a file cannot be read, in the words of the Go program for the common reasons. */
function describe({ code, message }: NodeJS.ErrnoException, path: string): string {
  if (code === 'ENOENT') return `open ${path}: no such file or directory`
  if (code === 'EACCES') return `open ${path}: permission denied`
  return `${path}: ${message}`
}

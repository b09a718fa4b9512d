import type { Answer, Host, MessageSink } from '../../src/protocol/index.ts'

/** A host that consents to everything and counts what its sinks were told; parts of it may be replaced. */
export class RecordingHost implements Host {
  /** The mails that were delivered. */
  readonly delivered: Buffer[] = []
  /** How often each method of a sink was called, over all mails. */
  readonly calls = { write: 0, deliver: 0, discard: 0 }
  readonly #parts: Buffer[] = []

  constructor(other: Partial<Host> & { sink?: Partial<MessageSink> } = {}) {
    const { sink, ...host } = other
    Object.assign(this, host)
    Object.assign(this.sink, sink)
    // Counts are kept also of what was replaced.
    for (const name of ['write', 'deliver', 'discard'] as const) {
      const method = this.sink[name] as (...args: unknown[]) => unknown
      Object.assign(this.sink, {
        [name]: (...args: unknown[]) => {
          this.calls[name]++
          return method(...args)
        },
      })
    }
  }

  readonly sink: MessageSink = {
    write: bytes => void this.#parts.push(Buffer.from(bytes)),
    deliver: () => this.#deliver(),
    discard: () => void this.#parts.splice(0),
  }

  message(): ReturnType<Host['message']> {
    return this.sink
  }

  #deliver(): Answer {
    this.delivered.push(Buffer.concat(this.#parts.splice(0)))
    return undefined
  }
}

/** A promise that is settled from outside. */
export class Later<T> {
  resolve!: (value: T) => void
  reject!: (error: unknown) => void
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve
    this.reject = reject
  })
}

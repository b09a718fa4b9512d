import type { WriteStream } from 'node:tty'

/** The part of a stream that a `TerminalLine` needs. */
export type LineStream = Pick<WriteStream, 'write'> & { readonly isTTY?: boolean; readonly columns?: number }

/** One line of a terminal that is overwritten again and again. Writes nothing if the stream is not a terminal. */
export class TerminalLine {
  readonly #stream: LineStream
  #visible = false

  constructor(stream: LineStream) {
    this.#stream = stream
  }

  /** Replaces the line. Text that does not fit is cut, because a line that wraps cannot be overwritten. */
  show(text: string): void {
    if (!this.#stream.isTTY) return
    this.#visible = true
    // A terminal that does not know its width reports 0.
    const columns = this.#stream.columns || 80
    this.#stream.write(`\r\x1b[K${text.slice(0, columns - 1)}`)
  }

  /** Erases the line. */
  clear(): void {
    if (this.#visible) this.#stream.write('\r\x1b[K')
    this.#visible = false
  }
}

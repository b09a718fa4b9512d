import type { WriteStream } from 'node:tty'

/** The part of a stream that `TerminalLine` needs. */
export type LineStream = Pick<WriteStream, 'write'> & { readonly isTTY?: boolean; readonly columns?: number }

/** One line of a terminal that is overwritten again and again. Writes nothing if the stream is not a terminal. */
export class TerminalLine {
  readonly #stream: LineStream
  #visible = false

  constructor(stream: LineStream) {
    this.#stream = stream
  }

  /** Shows a text in place of the last one. It is cut to the width: a line that wraps could not be overwritten. */
  show(text: string): void {
    if (!this.#stream.isTTY) return
    this.#visible = true
    // 0: the terminal does not report its width.
    const columns = this.#stream.columns || 80
    this.#stream.write(`\r\x1b[K${text.slice(0, columns - 1)}`)
  }

  /** Clears the line, so that other output can follow. */
  clear(): void {
    if (this.#visible) this.#stream.write('\r\x1b[K')
    this.#visible = false
  }
}

import type { WriteStream } from 'node:tty'

/** The part of a stream that is needed. */
export type LineStream = Pick<WriteStream, 'write'> & { readonly isTTY?: boolean; readonly columns?: number }

/** One line of a terminal that is written anew, again and again; nothing where the stream is no terminal. */
export class TerminalLine {
  readonly #stream: LineStream
  #visible = false

  constructor(stream: LineStream) {
    this.#stream = stream
  }

  /** @param text more of it than fits is left out: a line that wraps cannot be written anew */
  show(text: string): void {
    if (!this.#stream.isTTY) return
    this.#visible = true
    // A terminal that does not say how wide it is says 0.
    const columns = this.#stream.columns || 80
    this.#stream.write(`\r\x1b[K${text.slice(0, columns - 1)}`)
  }

  /** Leaves the line empty for what comes now. */
  clear(): void {
    if (this.#visible) this.#stream.write('\r\x1b[K')
    this.#visible = false
  }
}

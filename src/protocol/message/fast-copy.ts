import { mayHaveNewline, type NewlineScanner } from './newline-scanner.ts'
import type { OutputBuffer } from './output-buffer.ts'

const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e
/** CR and LF, as a word of two bytes. */
const newline = 0x0a0d

/** So many bytes of a line are copied one by one before eight are tried at a time. */
const bytewiseLimit = 8

/**
 * Does what the content reader does byte by byte, but quicker, where nothing is difficult: it looks ahead, and copies
 * long lines eight bytes at a time.
 */
export class FastCopier {
  readonly #dots: boolean
  readonly #normalize: boolean
  /** It left off behind a newline that stood alone, at a dot that may be one too many. */
  afterBareNewline = false

  /** @param rules those of the content reader: whether dots are stuffed, and newlines that stand alone become CRLF */
  constructor(rules: { readonly dots: boolean; readonly normalize: boolean }) {
    this.#dots = rules.dots
    this.#normalize = rules.normalize
  }

  /**
   * Copies a chunk from `from` on, where a line begins or goes on. Returns where it leaves off: close to the end of the
   * chunk, or where it gets difficult.
   */
  copy(chunk: Buffer, from: number, { words }: NewlineScanner, out: OutputBuffer): number {
    const { bytes, spare, words: copies } = out
    const dots = this.#dots
    // What is not passed on may be written as if it were.
    const normalize = this.#normalize || out.isCut
    const end = chunk.length - 3
    let at = from
    let to = out.length
    let removed = 0
    let glance = from + bytewiseLimit
    this.afterBareNewline = false
    while (at < end) {
      const byte = chunk[at]!
      if (byte > CR) {
        bytes[to++] = byte
        at++
        if (at < glance) continue
        while (at < end - 5) {
          const one = words.getInt32(at, true)
          const two = words.getInt32(at + 4, true)
          if (mayHaveNewline(one, two)) break
          copies.setInt32(to, one, true)
          copies.setInt32(to + 4, two, true)
          at += 8
          to += 8
        }
        glance = at + bytewiseLimit
      } else if (byte === CR && chunk[at + 1] === LF) {
        if (dots && chunk[at + 2] === DOT) {
          const next = chunk[at + 3]!
          if (next === CR) break
          copies.setInt16(to, newline, true)
          to += 2
          at += 3
          removed++
          // It comes along: a short line takes one step, not two.
          if (next > CR) {
            bytes[to++] = next
            at++
          }
        } else {
          copies.setInt16(to, newline, true)
          to += 2
          at += 2
        }
        glance = at + bytewiseLimit
      } else if (byte === CR || byte === LF) {
        if (!normalize || to - at >= spare) break
        bytes[to++] = CR
        bytes[to++] = LF
        at++
        glance = at + bytewiseLimit
        if (chunk[at] === DOT) {
          at = skipDotLines(chunk, at)
          this.afterBareNewline = true
          break
        }
      } else {
        bytes[to++] = byte
        at++
      }
    }
    out.length = to
    out.removed += removed
    return at
  }
}

/** The index behind lines of nothing but a dot and a LF. */
export function skipDotLines(chunk: Buffer, from: number): number {
  let at = from
  while (chunk[at] === DOT && chunk[at + 1] === LF) at += 2
  return at
}

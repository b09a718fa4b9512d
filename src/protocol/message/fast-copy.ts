import { mayHaveNewline, type NewlineScanner } from './newline-scanner.ts'
import type { OutputBuffer } from './output-buffer.ts'

const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e
/** CR and LF, as a word of two bytes. */
const newline = 0x0a0d

/** Bytes of a line that are copied one by one before eight are tried at a time. */
const bytewiseLimit = 8

/**
 * The fast path of `DataDecoder`: decodes the common cases with lookahead, and copies long lines eight bytes at a
 * time. It stops before rare cases, which the decoder then reads byte by byte.
 */
export class FastCopier {
  readonly #dots: boolean
  readonly #normalize: boolean
  /** Set if `copy` stopped after a bare newline, at a dot that may have to be dropped. */
  afterBareNewline = false

  /** @param options those of the decoder: dots are stuffed, bare newlines become CRLF */
  constructor(options: { readonly dots: boolean; readonly normalize: boolean }) {
    this.#dots = options.dots
    this.#normalize = options.normalize
  }

  /**
   * Copies a chunk from index `from`, in the text or at the start of a line. Returns the index where it stops: near
   * the end of the chunk, or at a rare case.
   */
  copy(chunk: Buffer, from: number, { words }: NewlineScanner, out: OutputBuffer): number {
    const { bytes, spareBytes, words: outputWords } = out
    const dots = this.#dots
    // Dropped output does not need to be correct.
    const normalize = this.#normalize || out.isCut
    const end = chunk.length - 3
    let at = from
    let to = out.length
    let removed = 0
    let wordsFrom = from + bytewiseLimit
    this.afterBareNewline = false
    while (at < end) {
      const byte = chunk[at]!
      if (byte > CR) {
        bytes[to++] = byte
        at++
        if (at < wordsFrom) continue
        while (at < end - 5) {
          const one = words.getInt32(at, true)
          const two = words.getInt32(at + 4, true)
          if (mayHaveNewline(one, two)) break
          outputWords.setInt32(to, one, true)
          outputWords.setInt32(to + 4, two, true)
          at += 8
          to += 8
        }
        wordsFrom = at + bytewiseLimit
      } else if (byte === CR && chunk[at + 1] === LF) {
        if (dots && chunk[at + 2] === DOT) {
          const next = chunk[at + 3]!
          if (next === CR) break
          outputWords.setInt16(to, newline, true)
          to += 2
          at += 3
          removed++
          // Copy the byte after the dot here too: this saves an iteration on short lines.
          if (next > CR) {
            bytes[to++] = next
            at++
          }
        } else {
          outputWords.setInt16(to, newline, true)
          to += 2
          at += 2
        }
        wordsFrom = at + bytewiseLimit
      } else if (byte === CR || byte === LF) {
        if (!normalize || to - at >= spareBytes) break
        bytes[to++] = CR
        bytes[to++] = LF
        at++
        wordsFrom = at + bytewiseLimit
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

/** Returns the index after lines of nothing but a dot and a LF. */
export function skipDotLines(chunk: Buffer, from: number): number {
  let at = from
  while (chunk[at] === DOT && chunk[at + 1] === LF) at += 2
  return at
}

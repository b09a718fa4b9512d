import { Excerpt } from './excerpt.ts'

const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e
const newlineDot = Buffer.from('\r\n.')

/** Where the reader stands: what it has just read, which decides what the next byte means. */
type Place = 'text' | 'cr' | 'line start' | 'dot' | 'dot cr'

/** What one chunk gave. */
export interface Unstuffed {
  /** Content, the dots that were added for transport removed. */
  readonly content: Buffer
  /** Bytes of the chunk that were read: all of it, except at the end of the content. */
  readonly used: number
  /** CRLF `.` CRLF was read. */
  readonly ended: boolean
}

/**
 * Reads the content of DATA (RFC 5321 section 4.5.2). Only CRLF `.` CRLF ends it, only a dot behind a real CRLF is
 * removed, and neither depends on where the chunks were cut. The CRLF of the DATA command counts as the first one.
 */
export class DotReader {
  #place: Place = 'line start'

  read(chunk: Buffer): Unstuffed {
    const excerpt = new Excerpt(chunk)
    let place = this.#place
    let at = 0
    while (at < chunk.length) {
      switch (place) {
        case 'text': {
          const found = findNewlineDot(chunk, at)
          if (found < 0) {
            place = placeAtEnd(chunk, at)
            excerpt.keep(at, chunk.length)
            at = chunk.length
          } else {
            place = 'dot'
            excerpt.keep(at, found + 2)
            at = found + 3
          }
          break
        }
        case 'cr':
          place = chunk[at] === LF ? 'line start' : chunk[at] === CR ? 'cr' : 'text'
          excerpt.keep(at, ++at)
          break
        case 'line start':
          if (chunk[at] === DOT) {
            place = 'dot'
            at++
          } else {
            place = chunk[at] === CR ? 'cr' : 'text'
            excerpt.keep(at, ++at)
          }
          break
        case 'dot':
          if (chunk[at] === CR) {
            place = 'dot cr'
            at++
          } else place = 'text'
          break
        case 'dot cr':
          if (chunk[at] === LF) {
            this.#place = 'line start'
            return { content: excerpt.take(), used: at + 1, ended: true }
          }
          // The CR was content after all; it may have stood in the chunk before this one.
          if (at > 0) excerpt.keep(at - 1, at)
          else excerpt.put(CR)
          place = 'cr'
      }
    }
    this.#place = place
    return { content: excerpt.take(), used: chunk.length, ended: false }
  }
}

/** How far a search goes by hand before it is handed to `indexOf`, whose call costs as much as about this many bytes. */
const nearby = 16

function findNewlineDot(chunk: Buffer, from: number): number {
  const end = Math.min(from + nearby, chunk.length - 2)
  for (let at = from; at < end; at++) {
    if (chunk[at] === CR && chunk[at + 1] === LF && chunk[at + 2] === DOT) return at
  }
  return chunk.indexOf(newlineDot, from)
}

function placeAtEnd(chunk: Buffer, from: number): Place {
  const last = chunk[chunk.length - 1]
  if (last === CR) return 'cr'
  return last === LF && chunk.length - from > 1 && chunk[chunk.length - 2] === CR ? 'line start' : 'text'
}

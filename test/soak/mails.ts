import { createHash } from 'node:crypto'
import { Random } from '../support/random.ts'

/** At which point of its first attempt a client leaves without a word. */
export type Leaving = 'in the envelope' | 'in the content' | 'before the reply'

/** One mail of a soak: all of it follows from the seed and its number. */
export interface Plan {
  readonly number: number
  readonly sender: string
  readonly recipients: readonly string[]
  /** Bytes of the content. */
  readonly size: number
  readonly leaving: Leaving | undefined
}

/** What kinds of mails there are. */
export interface Variety {
  /** Whether clients leave in the middle. */
  readonly leaving: boolean
  readonly maxRecipients: number
  readonly maxBytes: number
}

const domain = 'soak.example'
/** Mails of so many thousand have so many recipients, and sizes up to so many bytes; the first row that fits counts. */
const recipientShares = [
  { upTo: 12, from: 51, to: 120 },
  { upTo: 100, from: 2, to: 50 },
  { upTo: 1000, from: 1, to: 1 },
] as const
const sizeShares = [
  { upTo: 1, from: 1_000_000, to: 4_000_000 },
  { upTo: 40, from: 30_000, to: 300_000 },
  { upTo: 250, from: 4_000, to: 30_000 },
  { upTo: 1000, from: 200, to: 4_000 },
] as const
const leavings: readonly { readonly upTo: number; readonly leaving: Leaving }[] = [
  { upTo: 4, leaving: 'in the envelope' },
  { upTo: 10, leaving: 'in the content' },
  { upTo: 18, leaving: 'before the reply' },
]

/** The mail of that number. */
export function planOf(seed: number, number: number, variety: Variety): Plan {
  const random = new Random(seed + number * 7919)
  // The first mails are of every kind, so that a short soak has all of them.
  const draw = () => (number < 60 ? [0, 1, 5, 11, 39, 99, 249][random.below(7)]! : random.below(1000))
  const count = Math.min(within(draw(), recipientShares, random), variety.maxRecipients)
  const size = Math.min(within(draw(), sizeShares, random), variety.maxBytes)
  const chance = draw()
  return {
    number,
    sender: `m${number}@${domain}`,
    recipients: Array.from({ length: count }, (_, n) => `r${n}.m${number}@${domain}`),
    size,
    leaving: variety.leaving ? leavings.find(({ upTo }) => chance < upTo)?.leaving : undefined,
  }
}

/** The content of a mail as its client has it: the same bytes with every attempt. */
export function contentOf(seed: number, { number, size, sender }: Plan): Buffer {
  const header = `From: ${sender}\r\nX-Soak: ${number}\r\nSubject: soak ${number}\r\n\r\n`
  const random = new Random(seed ^ (number * 104_729))
  const lines = Math.max(1, Math.ceil((size - header.length) / lineBytes))
  const first = random.below(stock.length / lineBytes - lines)
  return Buffer.concat([
    Buffer.from(header, 'latin1'),
    stock.subarray(first * lineBytes, (first + lines) * lineBytes),
  ])
}

/** What a content is known by. */
export function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('base64')
}

/** The number of a mail and of one of its recipients, from an address; `undefined` where it is none of ours. */
export function readRecipient(
  address: string,
): { readonly number: number; readonly nth: number } | undefined {
  const [, nth, number] = /^r(\d+)\.m(\d+)@soak\.example$/.exec(address) ?? []
  return nth === undefined ? undefined : { number: Number(number), nth: Number(nth) }
}

const lineBytes = 64
/** Lines of text that contents are cut from; one of 16 begins with a dot. */
const stock = stockOf(6_400_000)

function stockOf(bytes: number): Buffer {
  const random = new Random(1)
  const letters = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
  const block = Buffer.alloc(bytes)
  for (let at = 0; at < bytes; at += 4) block.writeInt32LE(random.below(2 ** 32) | 0, at)
  for (let at = 0; at < bytes; at++) block[at] = letters[block[at]! & 63]!
  for (let line = 0; line < bytes; line += lineBytes) {
    if (random.below(16) === 0) block[line] = 0x2e
    block.write('\r\n', line + lineBytes - 2, 'latin1')
  }
  return block
}

function within(
  draw: number,
  rows: readonly { readonly upTo: number; readonly from: number; readonly to: number }[],
  random: Random,
): number {
  const { from, to } = rows.find(({ upTo }) => draw < upTo)!
  return from + random.below(to - from + 1)
}

import { createHash } from 'node:crypto'
import { Random } from '../support/random.ts'

/** The point of the first attempt at which a client disconnects without QUIT. */
export type DisconnectPoint = 'in the envelope' | 'in the content' | 'before the reply'

/** A message of a soak. It depends only on the seed and its number. */
export interface PlannedMessage {
  readonly number: number
  readonly sender: string
  readonly recipients: readonly string[]
  /** Bytes of the content. */
  readonly size: number
  readonly disconnects: DisconnectPoint | undefined
}

/** Limits of the generated messages. */
export interface MessageOptions {
  /** Whether some clients disconnect during a message. */
  readonly disconnects: boolean
  readonly maxRecipients: number
  readonly maxBytes: number
}

const domain = 'soak.example'
/** Ranges of recipients and sizes. `upTo` is a cumulative share in thousandths; the first matching row applies. */
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
const disconnectShares: readonly { readonly upTo: number; readonly leaving: DisconnectPoint }[] = [
  { upTo: 4, leaving: 'in the envelope' },
  { upTo: 10, leaving: 'in the content' },
  { upTo: 18, leaving: 'before the reply' },
]

/** Returns the message with this number. */
export function plannedMessage(seed: number, number: number, options: MessageOptions): PlannedMessage {
  const random = new Random(seed + number * 7919)
  // The first messages include all kinds, so that a short soak has all of them.
  const draw = () => (number < 60 ? [0, 1, 5, 11, 39, 99, 249][random.below(7)]! : random.below(1000))
  const count = Math.min(within(draw(), recipientShares, random), options.maxRecipients)
  const size = Math.min(within(draw(), sizeShares, random), options.maxBytes)
  const chance = draw()
  return {
    number,
    sender: `m${number}@${domain}`,
    recipients: Array.from({ length: count }, (_, n) => `r${n}.m${number}@${domain}`),
    size,
    disconnects: options.disconnects
      ? disconnectShares.find(({ upTo }) => chance < upTo)?.leaving
      : undefined,
  }
}

/** Returns the content of a message, the same in every attempt. */
export function contentOf(seed: number, { number, size, sender }: PlannedMessage): Buffer {
  const header = `From: ${sender}\r\nX-Soak: ${number}\r\nSubject: soak ${number}\r\n\r\n`
  const random = new Random(seed ^ (number * 104_729))
  const lines = Math.max(1, Math.ceil((size - header.length) / lineBytes))
  const first = random.below(text.length / lineBytes - lines)
  return Buffer.concat([
    Buffer.from(header, 'latin1'),
    text.subarray(first * lineBytes, (first + lines) * lineBytes),
  ])
}

/** Returns the digest of a content. */
export function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('base64')
}

/** Returns the numbers of the message and the recipient in an address, or undefined if it is not of the soak. */
export function readRecipient(
  address: string,
): { readonly number: number; readonly nth: number } | undefined {
  const [, nth, number] = /^r(\d+)\.m(\d+)@soak\.example$/.exec(address) ?? []
  return nth === undefined ? undefined : { number: Number(number), nth: Number(nth) }
}

const lineBytes = 64
/** Random lines from which contents are taken. One of 16 begins with a dot. */
const text = randomText(6_400_000)

function randomText(bytes: number): Buffer {
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

import { createHash } from 'node:crypto'
import type { SesCall } from '../support/fake-ses.ts'
import { splitReceived } from '../support/maildir.ts'

const line = Buffer.from('A line of a message that is neither short nor long, at all.\r\n')
const smallBytes = 2_000
const largeBytes = 1_000_000
/** One of this many messages is large. */
const largeEvery = 20

/** A message of a well-behaved client, and its history. */
export interface Message {
  readonly number: number
  readonly dueAt: number
  /** Digests of the contents that the backend received. */
  readonly arrivals: string[]
  /** True if a connection ended after the message and before its reply. It may have been delivered, and is retried. */
  doubtful: boolean
  acceptedAt: number | undefined
}

export function contentOf(number: number): Buffer {
  const bytes = number % largeEvery === largeEvery - 1 ? largeBytes : smallBytes
  const body = Buffer.alloc(Math.floor(bytes / line.length) * line.length, line)
  return Buffer.concat([Buffer.from(`X-Siege: ${number}\r\n\r\n`), body])
}

/** All messages of the well-behaved clients. */
export class Messages {
  readonly all: Message[] = []
  /** Reasons for retries: unexpected replies and lost connections. */
  readonly refusals = new Map<string, number>()

  enter(dueAt: number): Message {
    const message: Message = {
      number: this.all.length,
      dueAt,
      arrivals: [],
      doubtful: false,
      acceptedAt: undefined,
    }
    this.all.push(message)
    return message
  }

  /** Records a call to the backend. Ignores those of attackers. */
  arrived({ data }: SesCall): void {
    const { content } = splitReceived(data)
    const [, number] = /^X-Siege: (\d+)\r\n/.exec(content.toString('latin1', 0, 40)) ?? []
    if (number !== undefined) this.all[Number(number)]?.arrivals.push(digestOf(content))
  }

  refused(reason: string): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1)
  }

  get accepted(): readonly Message[] {
    return this.all.filter(({ acceptedAt }) => acceptedAt !== undefined)
  }

  /** Number of accepted messages that the backend did not receive unchanged. */
  get lost(): number {
    return this.accepted.filter(({ number, arrivals }) => !arrivals.includes(digestOf(contentOf(number))))
      .length
  }

  /** Number of messages that were changed, or duplicated without an unavoidable reason. */
  get wrong(): number {
    return this.all.filter(({ number, arrivals, doubtful }) => {
      const right = digestOf(contentOf(number))
      return arrivals.some(digest => digest !== right) || (arrivals.length > 1 && !doubtful)
    }).length
  }

  /** Sorted milliseconds from the due time to the 250. A message that was not accepted counts up to now. */
  get waitsMs(): readonly number[] {
    const now = performance.now()
    return this.all.map(({ dueAt, acceptedAt = now }) => acceptedAt - dueAt).sort((a, b) => a - b)
  }
}

function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('base64')
}

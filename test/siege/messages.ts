import { createHash } from 'node:crypto'
import type { SesCall } from '../support/fake-ses.ts'
import { splitReceived } from '../support/maildir.ts'

const line = Buffer.from('A line of a message that is neither short nor long, at all.\r\n')
const smallBytes = 2_000
const largeBytes = 1_000_000
/** One message of so many is large. */
const largeEvery = 20

/** A message of a client that does nothing wrong, and what is known of it. */
export interface Message {
  readonly number: number
  readonly dueAt: number
  /** Digests of what arrived at the backend. */
  readonly arrivals: string[]
  /** A connection ended after the whole message was sent and before its reply: it may have arrived, and comes again. */
  doubtful: boolean
  acceptedAt: number | undefined
}

export function contentOf(number: number): Buffer {
  const bytes = number % largeEvery === largeEvery - 1 ? largeBytes : smallBytes
  const body = Buffer.alloc(Math.floor(bytes / line.length) * line.length, line)
  return Buffer.concat([Buffer.from(`X-Siege: ${number}\r\n\r\n`), body])
}

/** Every message of the clients that do nothing wrong, and what became of it. */
export class Messages {
  readonly all: Message[] = []
  /** Replies other than the wanted one, and lost connections. */
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

  /** A call has reached the backend. One of an attacker is not looked at. */
  arrived({ data }: SesCall): void {
    const { content } = splitReceived(data)
    const [, number] = /^X-Siege: (\d+)\r\n/.exec(content.toString('latin1', 0, 40)) ?? []
    if (number !== undefined) this.all[Number(number)]?.arrivals.push(digestOf(content))
  }

  refused(why: string): void {
    this.refusals.set(why, (this.refusals.get(why) ?? 0) + 1)
  }

  get accepted(): readonly Message[] {
    return this.all.filter(({ acceptedAt }) => acceptedAt !== undefined)
  }

  /** Accepted messages that have not arrived as they were sent. */
  get lost(): number {
    return this.accepted.filter(({ number, arrivals }) => !arrivals.includes(digestOf(contentOf(number))))
      .length
  }

  /** Messages that arrived more than once, without a doubt that excuses it; or not as they were sent. */
  get wrong(): number {
    return this.all.filter(({ number, arrivals, doubtful }) => {
      const right = digestOf(contentOf(number))
      return arrivals.some(digest => digest !== right) || (arrivals.length > 1 && !doubtful)
    }).length
  }

  /** Milliseconds from the time when it was due to its 250; one that was not accepted counts as it waits until now. */
  get waitsMs(): readonly number[] {
    const now = performance.now()
    return this.all.map(({ dueAt, acceptedAt = now }) => acceptedAt - dueAt).sort((a, b) => a - b)
  }
}

function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('base64')
}

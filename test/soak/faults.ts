import type { Outcome } from '../support/fake-ses.ts'
import { Random } from '../support/random.ts'

/** What the service may do with a call besides accepting it at once. */
export interface Fault {
  readonly name: string
  /** How many calls of a thousand it meets. */
  readonly perThousand: number
  /** Whether the service has the mail afterwards; `perhaps`: every second time. */
  readonly taken: 'always' | 'never' | 'perhaps'
  /** What the program can know of that: all once it has the whole answer, all with the status, or nothing. */
  readonly told: 'by the answer' | 'by the status' | 'never'
  readonly outcome: Outcome
  /** Milliseconds until the answer. */
  readonly afterMs?: number
}

const started = '<SendRawEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><SendRawEm'
const page = { type: 'answer', contentType: 'text/html', body: '<html>proxy</html>' } as const

/** The connection is reset before anything was read; it meets requests, and not mails. */
export const unreadPerThousand = 3
export const unread = 'reset before the mail was read'

/** All faults of the service, and how often they come. */
export const faults: readonly Fault[] = [
  refusal('throttled', 15, 400, 'Throttling', 'Maximum sending rate exceeded.'),
  refusal('daily quota', 2, 400, 'Throttling', 'Daily message quota exceeded.'),
  refusal('500', 5, 500, 'InternalFailure', 'broken'),
  refusal('503', 5, 503, 'ServiceUnavailable', 'busy'),
  refusal('rejected', 3, 400, 'MessageRejected', 'Content rejected'),
  {
    name: '502 of a proxy',
    perThousand: 2,
    taken: 'perhaps',
    told: 'never',
    outcome: { ...page, status: 502 },
  },
  {
    name: '504 of a proxy',
    perThousand: 2,
    taken: 'perhaps',
    told: 'never',
    outcome: { ...page, status: 504 },
  },
  {
    name: 'reset after the mail was read',
    perThousand: 5,
    taken: 'perhaps',
    told: 'never',
    outcome: { type: 'reset', bodyRead: true },
  },
  { name: 'no answer', perThousand: 0.5, taken: 'perhaps', told: 'never', outcome: { type: 'hang' } },
  {
    name: 'cut in the status',
    perThousand: 3,
    taken: 'always',
    told: 'never',
    outcome: { type: 'fragment', bytes: 'HTTP/1.1 20' },
  },
  {
    name: 'cut behind the status',
    perThousand: 3,
    taken: 'always',
    told: 'by the status',
    outcome: { type: 'truncate', body: started },
  },
  {
    name: 'an answer without an end',
    perThousand: 0.5,
    taken: 'always',
    told: 'by the status',
    outcome: { type: 'stall', body: started },
  },
  slow('slow', 20, 300),
  slow('very slow', 3, 1200),
]

/** The calls at the beginning that get one fault each, so that a short soak has all of them. */
const dealtEvery = 4

/**
 * The fault that meets a call; `undefined` for none. It follows from the seed, the mail and how many calls there were
 * for it before, and not from what happens at the same time.
 */
export function faultOf(
  seed: number,
  number: number,
  before: number,
): (Fault & { readonly takes: boolean }) | undefined {
  const random = new Random(seed + number * 65_537 + before * 257)
  const dealt = number % dealtEvery === 0 && before === 0 ? faults[number / dealtEvery] : undefined
  let draw = random.below(1_000_000) / 1000
  const fault = dealt ?? faults.find(({ perThousand }) => (draw -= perThousand) < 0)
  if (fault === undefined) return undefined
  return { ...fault, takes: fault.taken === 'always' || (fault.taken === 'perhaps' && random.below(2) === 0) }
}

function refusal(name: string, perThousand: number, status: number, code: string, message: string): Fault {
  const outcome = { type: 'refuse', status, code, message } as const
  return { name, perThousand, taken: 'never', told: 'by the answer', outcome }
}

function slow(name: string, perThousand: number, afterMs: number): Fault {
  return {
    name,
    perThousand,
    taken: 'always',
    told: 'by the answer',
    outcome: { type: 'accept' },
    afterMs,
  }
}

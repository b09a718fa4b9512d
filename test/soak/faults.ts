import type { Outcome } from '../support/fake-ses.ts'
import { Random } from '../support/random.ts'

/** What the service may do with a call instead of accepting it immediately. */
export interface Fault {
  readonly name: string
  /** Number of calls per thousand that have this fault. */
  readonly perThousand: number
  /** Whether the service accepts the message; `perhaps`: every second time. */
  readonly accepts: 'always' | 'never' | 'perhaps'
  /** When the program can know whether the service accepted the message: from the whole answer, the status, or never. */
  readonly knowable: 'by the answer' | 'by the status' | 'never'
  readonly outcome: Outcome
  /** Milliseconds until the answer. */
  readonly afterMs?: number
}

const started = '<SendRawEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><SendRawEm'
const page = { type: 'answer', contentType: 'text/html', body: '<html>proxy</html>' } as const

/** The connection is reset before the request is read. Applies to requests, not to messages. */
export const unreadPerThousand = 3
export const unreadFault = 'reset before the message was read'

/** All faults of the service with their frequencies. */
export const faults: readonly Fault[] = [
  refusal('throttled', 15, 400, 'Throttling', 'Maximum sending rate exceeded.'),
  refusal('daily quota', 2, 400, 'Throttling', 'Daily message quota exceeded.'),
  refusal('500', 5, 500, 'InternalFailure', 'broken'),
  refusal('503', 5, 503, 'ServiceUnavailable', 'busy'),
  refusal('rejected', 3, 400, 'MessageRejected', 'Content rejected'),
  {
    name: '502 of a proxy',
    perThousand: 2,
    accepts: 'perhaps',
    knowable: 'never',
    outcome: { ...page, status: 502 },
  },
  {
    name: '504 of a proxy',
    perThousand: 2,
    accepts: 'perhaps',
    knowable: 'never',
    outcome: { ...page, status: 504 },
  },
  {
    name: 'reset after the message was read',
    perThousand: 5,
    accepts: 'perhaps',
    knowable: 'never',
    outcome: { type: 'reset', bodyRead: true },
  },
  { name: 'no answer', perThousand: 0.5, accepts: 'perhaps', knowable: 'never', outcome: { type: 'hang' } },
  {
    name: 'cut in the status',
    perThousand: 3,
    accepts: 'always',
    knowable: 'never',
    outcome: { type: 'fragment', bytes: 'HTTP/1.1 20' },
  },
  {
    name: 'cut after the status',
    perThousand: 3,
    accepts: 'always',
    knowable: 'by the status',
    outcome: { type: 'truncate', body: started },
  },
  {
    name: 'an answer without an end',
    perThousand: 0.5,
    accepts: 'always',
    knowable: 'by the status',
    outcome: { type: 'stall', body: started },
  },
  slow('slow', 20, 300),
  slow('very slow', 3, 1200),
]

/** Every fourth message at the beginning gets one fault each, so that a short soak has all faults. */
const dealtEvery = 4

/**
 * Returns the fault of a call, or undefined. It depends only on the seed, the message and the number of its previous
 * calls, not on timing.
 */
export function faultOf(
  seed: number,
  number: number,
  before: number,
): (Fault & { readonly isAccepted: boolean }) | undefined {
  const random = new Random(seed + number * 65_537 + before * 257)
  const dealt = number % dealtEvery === 0 && before === 0 ? faults[number / dealtEvery] : undefined
  let draw = random.below(1_000_000) / 1000
  const fault = dealt ?? faults.find(({ perThousand }) => (draw -= perThousand) < 0)
  if (fault === undefined) return undefined
  return {
    ...fault,
    isAccepted: fault.accepts === 'always' || (fault.accepts === 'perhaps' && random.below(2) === 0),
  }
}

function refusal(name: string, perThousand: number, status: number, code: string, message: string): Fault {
  const outcome = { type: 'refuse', status, code, message } as const
  return { name, perThousand, accepts: 'never', knowable: 'by the answer', outcome }
}

function slow(name: string, perThousand: number, afterMs: number): Fault {
  return {
    name,
    perThousand,
    accepts: 'always',
    knowable: 'by the answer',
    outcome: { type: 'accept' },
    afterMs,
  }
}

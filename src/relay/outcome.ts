import { oneLine } from './fault.ts'
import { PartialFailure, type Receipt } from './relay.ts'

/** How a call ended. Whoever is not refused has the mail. */
export interface Outcome {
  readonly receipt: Receipt
  readonly refused: ReadonlyMap<string, unknown>
}

/** `send` resolved: the mail is safe, whatever else the backend says. */
export function taken(said: unknown): Outcome {
  return { receipt: readReceipt(said), refused: new Map() }
}

/** `send` rejected. */
export function failed(recipients: readonly string[], error: unknown): Outcome {
  if (!(error instanceof PartialFailure)) return refusedForAll(recipients, error)
  const called = new Set(recipients)
  const [stranger] = [...error.refused.keys()].filter(recipient => !called.has(recipient))
  // Somebody does not have the mail, and nobody knows who: better twice than never.
  if (stranger !== undefined) {
    const text = `the PartialFailure names ${stranger}, who is no recipient of this call`
    return refusedForAll(recipients, new Error(text))
  }
  return { receipt: readReceipt(error.receipt), refused: error.refused }
}

function refusedForAll(recipients: readonly string[], error: unknown): Outcome {
  return { receipt: {}, refused: new Map(recipients.map(recipient => [recipient, error])) }
}

/** A name that can be read, and nothing else: the rest is not the backend's to say. */
function readReceipt(said: unknown): Receipt {
  const { messageId } = Object(said)
  if (typeof messageId === 'number') return { messageId: String(messageId) }
  return typeof messageId === 'string' && oneLine(messageId) !== '' ? { messageId } : {}
}

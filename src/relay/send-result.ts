import { toReplyText } from './errors/error-info.ts'
import { PartialFailure, type Receipt } from './relay.ts'

/** How a call ended. Whoever is not refused has the mail. */
export interface SendResult {
  readonly receipt: Receipt
  readonly rejected: ReadonlyMap<string, unknown>
}

/** `send` resolved: the mail is safe, whatever else the backend says. */
export function acceptedResult(said: unknown): SendResult {
  return { receipt: readReceipt(said), rejected: new Map() }
}

/** `send` rejected. */
export function rejectedResult(recipients: readonly string[], error: unknown): SendResult {
  if (!(error instanceof PartialFailure)) return rejectedForAll(recipients, error)
  const called = new Set(recipients)
  const [stranger] = [...error.refused.keys()].filter(recipient => !called.has(recipient))
  // Somebody does not have the mail, and nobody knows who: better twice than never.
  if (stranger !== undefined) {
    const text = `the PartialFailure names ${stranger}, who is no recipient of this call`
    return rejectedForAll(recipients, new Error(text))
  }
  return { receipt: readReceipt(error.receipt), rejected: error.refused }
}

function rejectedForAll(recipients: readonly string[], error: unknown): SendResult {
  return { receipt: {}, rejected: new Map(recipients.map(recipient => [recipient, error])) }
}

/** A name that can be read, and nothing else: the rest is not the backend's to say. */
function readReceipt(said: unknown): Receipt {
  const { messageId } = Object(said)
  if (typeof messageId === 'number') return { messageId: String(messageId) }
  return typeof messageId === 'string' && toReplyText(messageId) !== '' ? { messageId } : {}
}

import { PartialFailure, type Receipt } from './relay.ts'

/** What a backend said of a call. Whoever is not refused has the mail. */
export interface Outcome {
  readonly receipt: Receipt
  readonly refused: ReadonlyMap<string, unknown>
}

/** The outcome of a call that resolved: the mail is safe, whatever was said. Where no types are checked that may be anything. */
export function acceptance(said: unknown): Outcome {
  return { receipt: receiptOf(said), refused: new Map() }
}

/** The outcome of a call that rejected. */
export function rejection(error: unknown, recipients: readonly string[]): Outcome {
  if (!(error instanceof PartialFailure)) return refusalOf(error, recipients)
  const stranger = [...error.refused.keys()].find(recipient => !recipients.includes(recipient))
  if (stranger === undefined) return { receipt: receiptOf(error.receipt), refused: error.refused }
  // Whom it means nobody knows, so nobody may be told that the mail is safe.
  const text = `the PartialFailure names ${stranger}, who is no recipient of this call`
  return refusalOf(new Error(text), recipients)
}

function refusalOf(error: unknown, recipients: readonly string[]): Outcome {
  return { receipt: {}, refused: new Map(recipients.map(recipient => [recipient, error])) }
}

function receiptOf(said: unknown): Receipt {
  const { messageId }: { readonly messageId?: unknown } = Object(said)
  return typeof messageId === 'string' || typeof messageId === 'number' ? { messageId: `${messageId}` } : {}
}

import { isBinary } from '../events.ts'
import { MessageReceiver } from '../message/message-receiver.ts'
import { BdatReader } from '../readers/bdat-reader.ts'
import { DataReader } from '../readers/data-reader.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import type { OpenTransaction, SessionState } from '../session-state.ts'
import { firstViolated, type Precondition, preconditions } from './preconditions.ts'

/** What must hold before content may come, with DATA or BDAT. */
export const contentPreconditions: readonly Precondition[] = [
  preconditions.accepted,
  preconditions.hello,
  preconditions.encrypted,
  preconditions.authenticated,
  preconditions.recipient,
  preconditions.noBdat,
]

/** Octets. A chunk with fewer costs more for its command than for its content. */
const smallChunk = 1024

/** DATA: all of the content follows, in lines (RFC 5321 section 4.1.1.4). */
export function data(_: string, state: SessionState): void {
  const transaction = state.transaction!
  state.ask({ type: 'message', transaction }, replies.startInput, {
    onAccept: () => {
      state.reader = new DataReader(receive(transaction, state, true))
    },
    onReject: reply => state.reply(reply),
  })
}

/**
 * BDAT: a number of octets of the content follow (RFC 3030 section 2). They follow immediately, so an invalid or
 * excessive size closes the connection.
 */
export function bdat(argument: string, state: SessionState): void {
  const { messageBytes, discardFactor } = state.settings.limits
  const [, digits, last] = /^(\d{1,20})(?: +(LAST))?$/i.exec(argument) ?? []
  if (digits === undefined) return state.close('errors', replies.chunkSyntax)
  const size = Number(digits)
  if (size > discardFactor * messageBytes) return state.close('errors', replies.tooLarge(messageBytes))
  const isLast = last !== undefined
  // An empty chunk that is not the last moves no content, and one of a few octets hardly any.
  if (size === 0 && !isLast) state.countJunkCommand()
  else if (size < smallChunk && !isLast) state.countSmallChunk()
  if (state.closed) return
  const readChunk = (refusal?: Reply) => new BdatReader(size, isLast, refusal).start(state)
  const transaction = state.transaction
  if (transaction?.receiver !== undefined) return readChunk()
  const violated = firstViolated(contentPreconditions, state)
  if (violated !== undefined) return readChunk(violated)
  const start = (refusal?: Reply) => {
    receive(transaction!, state, false, refusal)
    readChunk()
  }
  state.ask({ type: 'message', transaction: transaction! }, undefined, {
    onAccept: () => start(),
    // Further chunks may be on their way, and get the same reply.
    onReject: start,
  })
}

/** Gives the transaction a receiver for its content. */
function receive(
  transaction: OpenTransaction,
  { settings: { limits, bareNewline } }: SessionState,
  dots: boolean,
  refusal?: Reply,
): MessageReceiver {
  const binary = isBinary(transaction)
  const receiver = new MessageReceiver({ limits, bareNewline, dots, binary, refusal })
  transaction.receiver = receiver
  return receiver
}

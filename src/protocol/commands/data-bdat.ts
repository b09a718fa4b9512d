import { MessageReceiver } from '../message/message-receiver.ts'
import { BdatReader } from '../readers/bdat-reader.ts'
import { DataReader } from '../readers/data-reader.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import type { SessionState } from '../session-state.ts'
import { firstViolated, type Precondition, preconditions } from './preconditions.ts'

/** What must hold before content comes, whichever command brings it. */
export const contentPreconditions: readonly Precondition[] = [
  preconditions.welcome,
  preconditions.name,
  preconditions.tls,
  preconditions.login,
  preconditions.recipient,
  preconditions.noChunks,
]

/** Octets; a chunk that has fewer costs more for its command than for its content. */
const smallChunk = 1024

/** DATA: all of the content follows, in lines (RFC 5321 section 4.1.1.4). */
export function data(_: string, dialogue: SessionState): void {
  dialogue.ask({ type: 'message', transaction: dialogue.transaction! }, replies.startInput, {
    onAccept: () => {
      const incoming = new MessageReceiver(dialogue, true)
      dialogue.transaction!.receiver = incoming
      dialogue.reader = new DataReader(incoming)
    },
    onReject: reply => dialogue.reply(reply),
  })
}

/**
 * BDAT: so many octets of the content follow (RFC 3030 section 2). They follow at once, so a size that cannot be read, or
 * that nobody would read, is the end.
 */
export function bdat(argument: string, dialogue: SessionState): void {
  const { messageBytes, discardFactor } = dialogue.settings.limits
  const [, digits, word] = /^(\d{1,20})(?: +(LAST))?$/i.exec(argument) ?? []
  if (digits === undefined) return dialogue.close(replies.chunkSyntax)
  const size = Number(digits)
  if (size > discardFactor * messageBytes) return dialogue.close(replies.tooLarge(messageBytes))
  const last = word !== undefined
  // An empty chunk that is not the last moves no content, and one of a few octets hardly any.
  if (size === 0 && !last) dialogue.countJunkCommand()
  else if (size < smallChunk && !last) dialogue.countSmallChunk()
  if (dialogue.closed) return
  const chunk = (refusal?: Reply) => new BdatReader(size, last, refusal).begin(dialogue)
  const transaction = dialogue.transaction
  if (transaction?.receiver !== undefined) return chunk()
  const unmet = firstViolated(contentPreconditions, dialogue)
  if (unmet !== undefined) return chunk(unmet)
  const begin = (refusal?: Reply) => {
    transaction!.receiver = new MessageReceiver(dialogue, false, refusal)
    chunk()
  }
  dialogue.ask({ type: 'message', transaction: transaction! }, undefined, {
    onAccept: () => begin(),
    // The chunks behind this one may be on their way, and are refused like it.
    onReject: begin,
  })
}

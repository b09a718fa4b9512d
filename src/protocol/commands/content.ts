import type { Dialogue } from '../dialogue.ts'
import { Incoming } from '../incoming.ts'
import { ChunkMode } from '../modes/chunk.ts'
import { ContentMode } from '../modes/content.ts'
import { firstUnmet, type Need, needs } from '../needs.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'

/** What must hold before content comes, whichever command brings it. */
export const contentNeeds: readonly Need[] = [
  needs.welcome,
  needs.name,
  needs.tls,
  needs.login,
  needs.recipient,
  needs.noChunks,
]

/** Octets; a chunk that has fewer costs more for its command than for its content. */
const smallChunk = 1024

/** DATA: all of the content follows, in lines (RFC 5321 section 4.1.1.4). */
export function data(_: string, dialogue: Dialogue): void {
  dialogue.ask({ type: 'message', transaction: dialogue.transaction! }, replies.startInput, {
    granted: () => {
      const incoming = new Incoming(dialogue, true)
      dialogue.transaction!.incoming = incoming
      dialogue.mode = new ContentMode(incoming)
    },
    refused: reply => dialogue.reply(reply),
  })
}

/**
 * BDAT: so many octets of the content follow (RFC 3030 section 2). They follow at once, so a size that cannot be read, or
 * that nobody would read, is the end.
 */
export function bdat(argument: string, dialogue: Dialogue): void {
  const { messageBytes, drainFactor } = dialogue.settings.limits
  const [, digits, word] = /^(\d{1,20})(?: +(LAST))?$/i.exec(argument) ?? []
  if (digits === undefined) return dialogue.close(replies.chunkSyntax)
  const size = Number(digits)
  if (size > drainFactor * messageBytes) return dialogue.close(replies.tooLarge(messageBytes))
  const last = word !== undefined
  // An empty chunk that is not the last moves no content, and one of a few octets hardly any.
  if (size === 0 && !last) dialogue.countIdle()
  else if (size < smallChunk && !last) dialogue.countSmallChunk()
  if (dialogue.closed) return
  const chunk = (refusal?: Reply) => new ChunkMode(size, last, refusal).begin(dialogue)
  const transaction = dialogue.transaction
  if (transaction?.incoming !== undefined) return chunk()
  const unmet = firstUnmet(contentNeeds, dialogue)
  if (unmet !== undefined) return chunk(unmet)
  const begin = (refusal?: Reply) => {
    transaction!.incoming = new Incoming(dialogue, false, refusal)
    chunk()
  }
  dialogue.ask({ type: 'message', transaction: transaction! }, undefined, {
    granted: () => begin(),
    // The chunks behind this one may be on their way, and are refused like it.
    refused: begin,
  })
}

import type { InputBuffer } from './input-buffer.ts'
import { replies } from './replies.ts'
import type { SessionState } from './session-state.ts'

/**
 * Closes with 554 if pipelining is strict and the client has sent something although it must wait for a reply (RFC 2920
 * section 3.1). A question that the host was asked is answered first.
 */
export function closeIfEarly(state: SessionState, input: InputBuffer): void {
  const { settings, mustWaitForReply, queue } = state
  if (!settings.strictPipelining || !mustWaitForReply || queue.isAwaitingAnswer || input.isEmpty) return
  state.close('errors', replies.improperPipelining)
}

import type { InputBuffer } from '../input-buffer.ts'
import type { SessionState } from '../session-state.ts'

/** How the next bytes are read. A mode holds only what it needs for that. */
export interface Reader {
  /** Reads one step further; false when the input does not suffice. Called only while the dialogue is free. */
  read(input: InputBuffer, dialogue: SessionState): boolean
  /** The dialogue may end in this mode without a loss. */
  readonly canCloseHere?: true
}

import type { Dialogue } from './dialogue.ts'
import type { Input } from './input.ts'

/** How the next bytes are read. A mode holds only what it needs for that. */
export interface Mode {
  /** Reads one step further; false when the input does not suffice. Called only while the dialogue is free. */
  read(input: Input, dialogue: Dialogue): boolean
  /** The dialogue may end in this mode without a loss. */
  readonly isIdle?: true
}

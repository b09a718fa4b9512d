/** How a line of the log looks: for programs, or for people, with colours or without. */
export type Look = 'json' | 'text' | 'coloured'

/** One look for each stream: only one of them may be a terminal. */
export interface Looks {
  readonly out: Look
  readonly err: Look
}

/** The part of a stream that decides. `hasColors` of a terminal minds NO_COLOR, FORCE_COLOR and TERM. */
export interface Screen {
  readonly isTTY?: boolean
  hasColors?(): boolean
}

/** JSON for everybody. */
export const jsonLooks: Looks = { out: 'json', err: 'json' }

/** The looks that `--log` asks for: `auto` is text on a terminal, and JSON everywhere else. */
export function looksOf(form: 'auto' | 'json' | 'text', out: Screen, err: Screen): Looks {
  const look = (stream: Screen): Look => {
    if (form === 'json' || (form === 'auto' && !stream.isTTY)) return 'json'
    return stream.isTTY && stream.hasColors?.() ? 'coloured' : 'text'
  }
  return { out: look(out), err: look(err) }
}

/** How a line of the log looks: for programs, or for people, with colours or without. */
export type LogFormat = 'json' | 'text' | 'coloured'

/** One look for each stream: only one of them may be a terminal. */
export interface LogFormats {
  readonly out: LogFormat
  readonly err: LogFormat
}

/** The part of a stream that decides. `hasColors` of a terminal minds NO_COLOR, FORCE_COLOR and TERM. */
export interface Screen {
  readonly isTTY?: boolean
  hasColors?(): boolean
}

/** JSON for everybody. */
export const jsonFormats: LogFormats = { out: 'json', err: 'json' }

/** The looks that `--log-format` asks for: `auto` is text on a terminal, and JSON everywhere else. */
export function formatsFor(form: 'auto' | 'json' | 'text', out: Screen, err: Screen): LogFormats {
  const look = (stream: Screen): LogFormat => {
    if (form === 'json' || (form === 'auto' && !stream.isTTY)) return 'json'
    return stream.isTTY && stream.hasColors?.() ? 'coloured' : 'text'
  }
  return { out: look(out), err: look(err) }
}

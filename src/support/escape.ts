/** Control characters, format characters, line separators, and code points that are no characters. */
const invisible = /[\p{C}\p{Zl}\p{Zp}]/gu

/** Returns the text with each character escaped that a terminal could interpret: `\x1b`, `\u{202e}`. */
export function escapeForTerminal(text: string): string {
  return text.replace(invisible, letter => {
    const code = letter.codePointAt(0)!
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
  })
}

/**
 * Returns bytes, one per character, as text: printable ASCII as it is, everything else as `\x1b`. Of a longer text, only
 * the first `max` bytes are shown.
 */
export function escapeBytes(text: string, max = 200): string {
  const shown = text
    .slice(0, max)
    .replace(/[^\x20-\x7e]/g, letter => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return text.length > max ? `${shown}... (${text.length} bytes)` : shown
}

/** Returns the first `max` characters of the text, and `...` if there are more. */
export function clip(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}...` : text
}

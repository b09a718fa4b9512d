/** Control and format characters, line ends among them, and what is no character at all. */
const invisible = /[\p{C}\p{Zl}\p{Zp}]/gu

/** The text with every character written out that a terminal could take for an order. */
export function escapeForTerminal(text: string): string {
  return text.replace(invisible, letter => {
    const code = letter.codePointAt(0)!
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
  })
}

/** The same for bytes, one a character: only printable ASCII stands as it is. At most `most` characters or so. */
export function escapeBytes(text: string, most = 200): string {
  const shown = text
    .slice(0, most)
    .replace(/[^\x20-\x7e]/g, letter => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return text.length > most ? `${shown}... (${text.length} bytes)` : shown
}

/** Returns the first `max` characters of the text, and `...` if there are more. */
export function clip(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}...` : text
}

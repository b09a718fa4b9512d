/** Returns a Markdown table with aligned columns. Numbers are right-aligned, except in the first column. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, i) => Math.max(cell.length, 3, ...rows.map(row => row[i]!.length)))
  const isNumber = head.map((_, i) => i > 0 && rows.every(row => /^[\d–-]/.test(row[i]!) || row[i] === ''))
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join(' | ')} |`
  const rule = widths.map((width, i) => (isNumber[i] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)))
  return [line(head), line(rule), ...rows.map(line), ''].join('\n')
}

/** Returns a number with three significant digits. */
export function digits(number: number): string {
  if (!Number.isFinite(number)) return '–'
  const size = Math.abs(number)
  return number.toFixed(size >= 100 || number === 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3)
}

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The root of the repository, with a trailing slash. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** Returns a Markdown table. Bars in cells are escaped. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return [columns, columns.map(() => '---'), ...rows]
    .map(cells => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
    .join('')
}

/** Returns the rows, as cells, of all tables whose first column has this title. */
export function rowsOf(markdown: string, title: string): readonly (readonly string[])[] {
  const tables = markdown.match(/^\|.*\n\| ---.*\n(\|.*\n)*/gm) ?? []
  return tables
    .map(lines => lines.trimEnd().split('\n').map(cellsOf))
    .filter(([columns]) => columns?.[0] === title)
    .flatMap(([, , ...rows]) => rows)
}

function cellsOf(line: string): readonly string[] {
  return line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map(cell => cell.trim())
}

/**
 * Returns the text between the marks `<!-- name -->` and `<!-- /name -->` of a page, and the expected text. With
 * `UPDATE=1` it writes the expected text to the page.
 */
export function printed(path: string, mark: string, right: string): { found: string; right: string } {
  const page = readFileSync(root + path, 'utf8')
  const between = new RegExp(`(<!-- ${mark} -->\\n)(.*)(<!-- /${mark} -->)`, 's')
  const found = between.exec(page)?.[2]
  if (found === undefined) throw new Error(`${path} has no marks <!-- ${mark} -->`)
  if (process.env.UPDATE !== '1') return { found, right }
  writeFileSync(
    root + path,
    page.replace(between, (_, begin, __, end) => begin + right + end),
  )
  return { found: right, right }
}

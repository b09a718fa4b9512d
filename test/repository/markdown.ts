import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The folder that this file is checked out in, with a slash at its end. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** A table of Markdown; a bar in a cell is escaped. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return [columns, columns.map(() => '---'), ...rows]
    .map(cells => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
    .join('')
}

/** The cells of each row of the tables whose first column has this title. */
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
 * What stands between two marks of a page, `<!-- name -->` and `<!-- /name -->`, and what should. With `UPDATE=1` it is
 * written there.
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

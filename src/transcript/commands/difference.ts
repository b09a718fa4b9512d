import { escapeForTerminal } from '../../support/escape.ts'

/** Lines that differ, and this many around them, are shown. */
const around = 2
/** Beyond this many lines on a side between the first and the last difference, no common lines are looked for. */
const mostLines = 400
const mostColumns = 200

/**
 * What differs between two texts, as lines: `-` expected, `+` got, each with its number in the text that has it.
 * No character reaches a terminal as an order.
 */
export function differenceOf(expected: string, got: string): string[] {
  const [old, young] = [expected.split('\n'), got.split('\n')]
  let head = 0
  while (head < old.length && head < young.length && old[head] === young[head]) head += 1
  let tail = 0
  const shorter = Math.min(old.length, young.length) - head
  while (tail < shorter && old.at(-1 - tail) === young.at(-1 - tail)) tail += 1
  const before = Math.max(0, head - around)
  const middle = alternate(old.slice(head, old.length - tail), young.slice(head, young.length - tail))
  const after = old.slice(old.length - tail, old.length - tail + around)
  const rows = [
    ...old.slice(before, head).map(line => ['  ', line] as const),
    ...middle,
    ...after.map(line => ['  ', line] as const),
  ]
  let [oldNumber, youngNumber] = [before, before]
  return rows.map(([mark, line]) => {
    if (mark !== '+ ') oldNumber += 1
    if (mark !== '- ') youngNumber += 1
    const number = mark === '+ ' ? youngNumber : oldNumber
    const shown = line.length > mostColumns ? `${line.slice(0, mostColumns)}...` : line
    return `${String(number).padStart(5)} ${mark}${escapeForTerminal(shown)}`.trimEnd()
  })
}

type Row = readonly [mark: '  ' | '- ' | '+ ', line: string]

/** The shortest way from one list of lines to the other. */
function alternate(old: readonly string[], young: readonly string[]): Row[] {
  const plain = [...old.map(line => ['- ', line] as const), ...young.map(line => ['+ ', line] as const)]
  if (old.length > mostLines || young.length > mostLines) return plain
  // longest[i][j]: how many lines old from i on and young from j on have in common.
  const longest = Array.from({ length: old.length + 1 }, () => new Array<number>(young.length + 1).fill(0))
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = young.length - 1; j >= 0; j--)
      longest[i]![j] =
        old[i] === young[j] ? longest[i + 1]![j + 1]! + 1 : Math.max(longest[i + 1]![j]!, longest[i]![j + 1]!)
  const rows: Row[] = []
  for (let i = 0, j = 0; i < old.length || j < young.length; ) {
    if (i < old.length && j < young.length && old[i] === young[j]) {
      rows.push(['  ', old[i]!])
      i += 1
      j += 1
    } else if (j === young.length || (i < old.length && longest[i + 1]![j]! >= longest[i]![j + 1]!))
      rows.push(['- ', old[i++]!])
    else rows.push(['+ ', young[j++]!])
  }
  return rows
}

import { escapeForTerminal } from '../../support/escape.ts'

/** Number of equal lines that are shown before and after the differences. */
const contextLines = 2
/** With more lines than this between the first and the last difference, common lines are not searched for. */
const maxCompared = 400
const maxColumns = 200

/**
 * Returns the differences between two texts, as lines: `-` expected, `+` got, each with its line number in its text.
 * Control characters are escaped, so that the lines are safe for a terminal.
 */
export function diffLines(expected: string, got: string): string[] {
  const [wanted, actual] = [expected.split('\n'), got.split('\n')]
  let head = 0
  while (head < wanted.length && head < actual.length && wanted[head] === actual[head]) head += 1
  let tail = 0
  const shorter = Math.min(wanted.length, actual.length) - head
  while (tail < shorter && wanted.at(-1 - tail) === actual.at(-1 - tail)) tail += 1
  const before = Math.max(0, head - contextLines)
  const middle = shortestEdit(
    wanted.slice(head, wanted.length - tail),
    actual.slice(head, actual.length - tail),
  )
  const after = wanted.slice(wanted.length - tail, wanted.length - tail + contextLines)
  const rows = [
    ...wanted.slice(before, head).map(line => ['  ', line] as const),
    ...middle,
    ...after.map(line => ['  ', line] as const),
  ]
  let [wantedNumber, actualNumber] = [before, before]
  return rows.map(([mark, line]) => {
    if (mark !== '+ ') wantedNumber += 1
    if (mark !== '- ') actualNumber += 1
    const number = mark === '+ ' ? actualNumber : wantedNumber
    const shown = line.length > maxColumns ? `${line.slice(0, maxColumns)}...` : line
    return `${String(number).padStart(5)} ${mark}${escapeForTerminal(shown)}`.trimEnd()
  })
}

type DiffRow = readonly [mark: '  ' | '- ' | '+ ', line: string]

/** Returns the shortest edit from one list of lines to the other. */
function shortestEdit(wanted: readonly string[], actual: readonly string[]): DiffRow[] {
  const plain = [...wanted.map(line => ['- ', line] as const), ...actual.map(line => ['+ ', line] as const)]
  if (wanted.length > maxCompared || actual.length > maxCompared) return plain
  // longest[i][j]: length of the longest common subsequence of wanted from i on and actual from j on.
  const longest = Array.from({ length: wanted.length + 1 }, () =>
    new Array<number>(actual.length + 1).fill(0),
  )
  for (let i = wanted.length - 1; i >= 0; i--)
    for (let j = actual.length - 1; j >= 0; j--)
      longest[i]![j] =
        wanted[i] === actual[j]
          ? longest[i + 1]![j + 1]! + 1
          : Math.max(longest[i + 1]![j]!, longest[i]![j + 1]!)
  const rows: DiffRow[] = []
  for (let i = 0, j = 0; i < wanted.length || j < actual.length; ) {
    if (i < wanted.length && j < actual.length && wanted[i] === actual[j]) {
      rows.push(['  ', wanted[i]!])
      i += 1
      j += 1
    } else if (j === actual.length || (i < wanted.length && longest[i + 1]![j]! >= longest[i]![j + 1]!))
      rows.push(['- ', wanted[i++]!])
    else rows.push(['+ ', actual[j++]!])
  }
  return rows
}

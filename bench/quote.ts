import { describe } from './page.ts'
import type { Results } from './results.ts'
import { subjectNames, titleOf } from './subjects.ts'
import { digits, table } from './table.ts'

/** The README with the few figures that matter, between its marks. */
export function quoteIn(readme: string, results: Results): string {
  const quoted = readme.replace(
    /(<!-- figures -->\n).*(<!-- \/figures -->)/s,
    (_, begin, end) => begin + quote(results) + end,
  )
  if (!quoted.includes(quote(results))) throw new Error('the README has no place for the figures')
  return quoted
}

function quote(results: Results): string {
  const { costs, idle, starts } = results
  const rows = subjectNames.map(name => {
    const { kept, renewed, medium, large } = costs
    const cells = [kept, renewed, medium, large].map(load => load[name]?.cpuMs.median)
    const rate = kept[name]?.mailsPerSecond.median
    const numbers = [...cells, rate].map(number => (number === undefined ? '' : digits(number)))
    return [titleOf(name), ...numbers]
  })
  const head = ['CPU ms a mail', '2 KB', '2 KB, new connection', '100 KB', '9 MB', 'mails/s of 2 KB']
  const bytes = idle.discard === undefined ? '' : `An idle session takes ${digits(idle.discard / 1000)} KB. `
  return `${table(head, rows)}
${bytes}Listening takes ${digits(starts.discard.cpuMs.median)} ms of CPU, with \`-r ses\` ${digits(starts.ses.cpuMs.median)} ms.
${describe(results)}.
`
}

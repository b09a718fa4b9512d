import { serverNames, titleOf } from '../servers/servers.ts'
import { describe } from './page.ts'
import type { Results } from './results.ts'
import { digits, table } from './table.ts'

/** Returns the README with the main figures between its two marks. @throws Error if it has no marks */
export function updateReadme(readme: string, results: Results): string {
  const updated = readme.replace(
    /(<!-- figures -->\n).*(<!-- \/figures -->)/s,
    (_, start, end) => start + readmeFigures(results) + end,
  )
  if (!updated.includes(readmeFigures(results))) throw new Error('README.md has no <!-- figures --> marks')
  return updated
}

function readmeFigures(results: Results): string {
  const { costs, idle, starts } = results
  const rows = serverNames.map(name => {
    const { keepAlive, newConnection, medium, large } = costs
    const cells = [keepAlive, newConnection, medium, large].map(load => load[name]?.cpuMs.median)
    const rate = keepAlive[name]?.messagesPerSecond.median
    const numbers = [...cells, rate].map(number => (number === undefined ? '' : digits(number)))
    return [titleOf(name), ...numbers]
  })
  const head = ['CPU ms per message', '2 KB', '2 KB, new connection', '100 KB', '9 MB', 'messages/s of 2 KB']
  const bytes = idle.discard === undefined ? '' : `An idle session takes ${digits(idle.discard / 1000)} KB. `
  return `${table(head, rows)}
${bytes}The start takes ${digits(starts.discard.cpuMs.median)} ms of CPU, with \`-r ses\` ${digits(starts.ses.cpuMs.median)} ms.
${describe(results)}.
`
}

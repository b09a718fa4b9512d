import { loadNames, loads } from '../load/loads.ts'
import { serverNames, titleOf } from '../servers/servers.ts'
import { goFigures, ratio, ratioToGo } from './go-program.ts'
import type { Figure, LoadCosts, Machine, Results, StartCost } from './results.ts'
import { digits, table } from './table.ts'
import { checkTargets, type TargetResult, targets } from './targets.ts'

/** Returns the results of a run as a Markdown page. @param plot file name of the chart, if there is one */
export function page(results: Results, plot?: string): string {
  return [
    '# What a message costs',
    introduction(results),
    ...(plot === undefined ? [] : [`![Server CPU per message, by load and server](${plot})`]),
    ...loadNames
      .filter(name => Object.keys(results.costs[name]).length > 0)
      .map(name => `## ${loads[name].title}\n\n${costTable(results.costs[name])}`),
    `## Targets\n\n${targetTable(checkTargets(results))}${outOfReach(results)}`,
    ...(plot === undefined ? [] : [`Methods:\n\n${methodTable()}`]),
    `## The Go program\n\n${goProgram(results)}`,
    `## Idle sessions\n\n${idleTable(results)}`,
    `## Start\n\n${startTable(results)}`,
    `## Many clients with 9 MB each at once\n\n${memoryPressureText(results)}`,
  ]
    .map(part => part.trimEnd())
    .join('\n\n')
    .concat('\n')
}

/** Returns the date and the machine. */
export function describe({ date, machine }: Results): string {
  return `${date}: ${machineText(machine)}`
}

function machineText({ node, cpu, cores, memoryBytes, system }: Machine): string {
  return `Node.js ${node}, ${cpu}, ${cores} cores, ${digits(memoryBytes / 1e9)} GB of memory, ${system}`
}

function introduction(results: Results): string {
  const { quick, rounds, roundSeconds } = results
  const times = quick
    ? `one quick round of ${roundSeconds} s each, not for publication`
    : `the median of ${rounds} rounds of ${roundSeconds} s each, in turns, with the lowest and the highest value`
  return `${describe(results)}; ${times}.

Written by \`npm run bench\`. Everything runs on one machine in separate processes, including the clients and a fake SES
(HTTPS). The main figure is therefore server CPU: user and system time of the server process, divided by the number of
messages that it accepted. Messages per second also depend on the CPU time that the clients use. A stall is the longest
time in a round for which the event loop was blocked or waited for a core, with an error of one millisecond. Peak memory
is the largest resident memory of the server process. Each load uses new processes.`
}

function costTable(costs: LoadCosts): string {
  const floor = costs.floor?.cpuMs.median
  const rows = serverNames.flatMap(name => {
    const cost = costs[name]
    if (cost === undefined) return []
    const { cpuMs, messagesPerSecond, stallMs, peakBytes } = cost
    const ofFloor = floor === undefined ? '' : digits(cpuMs.median / floor)
    const row = [titleOf(name), spread(cpuMs), ofFloor, spread(messagesPerSecond), spread(stallMs)]
    return [[...row, digits(peakBytes / 1e6)]]
  })
  return table(['', 'CPU ms per message', '× floor', 'messages/s', 'stall ms', 'peak MB'], rows)
}

function spread({ median, low, high }: Figure): string {
  return low === high ? digits(median) : `${digits(median)} (${digits(low)}–${digits(high)})`
}

function targetTable(checks: readonly TargetResult[]): string {
  const rows = checks.map(check => {
    const { target, value, result } = check
    const { what, limit, unit, atLeast } = target
    const measured = value === undefined ? '' : Number.isInteger(value) ? String(value) : digits(value)
    return [what, `${atLeast ? '≥' : '≤'} ${limit} ${unit}`, measured, distance(check), result]
  })
  return table(['what', 'target', 'measured', 'distance', ''], rows)
}

/** Returns a note for each target relative to smtp-server that even the floor misses. */
function outOfReach(results: Results): string {
  return targets
    .flatMap(({ load, limit }) => {
      const floor = load && ratio(results, load, 'floor', 'smtpServer')
      if (load === undefined || floor === undefined || floor <= limit) return []
      const title = loads[load].title
      return [
        `\n${title}: the floor takes ${digits(floor)} × smtp-server in this run: even a socket that parses nothing would miss ${limit}.\n`,
      ]
    })
    .join('')
}

function methodTable(): string {
  return table(
    ['what', 'unit', 'method'],
    targets.map(({ what, unit, method }) => [what, unit, method]),
  )
}

function distance({ target, value }: TargetResult): string {
  if (value === undefined || !Number.isFinite(value) || target.limit === 0) return ''
  const percent = Math.round(100 * (value / target.limit - 1))
  return `${Math.abs(percent)} % ${percent > 0 ? 'above' : 'below'}`
}

function goProgram(results: Results): string {
  const rows = loadNames.flatMap(name => {
    const toGo = ratioToGo(results, name)
    if (toGo === undefined) return []
    const { goCpuMs, floorCpuMs } = goFigures[name]
    const ours = ratio(results, name, 'ses', 'floor')!
    const cells = [goCpuMs, floorCpuMs, goCpuMs / floorCpuMs, ours, toGo].map(digits)
    return [[loads[name].title, ...cells]]
  })
  return `The Go program was not measured in this run. Its figures are older, from the same kind of machine and another load
generator, together with the same floor. The two programs are therefore compared relative to the floors: CPU of this
program, \`-r ses\`, divided by the floor of this run, and CPU of the Go program divided by the floor of its run. The
result is an estimate. If there were two figures of the Go program, the lower one is used.

${table(['', 'Go, CPU ms', 'its floor', 'Go / its floor', 'ours / our floor', 'ours / Go'], rows)}`
}

function idleTable({ idle, idleSessions }: Results): string {
  const rows = serverNames.flatMap(name => {
    const bytes = idle[name]
    return bytes === undefined ? [] : [[titleOf(name), digits(bytes / 1000)]]
  })
  return `${idleSessions} sessions after EHLO and garbage collection, without the memory of the kernel.

${table(['', 'KB per session'], rows)}`
}

function startTable({ starts, emptyStart }: Results): string {
  const row = (name: string, { cpuMs, ms }: Pick<StartCost, 'ms' | 'cpuMs'>) => [
    name,
    spread(cpuMs),
    spread(ms),
  ]
  const rows = [
    row(titleOf('discard'), starts.discard),
    row(titleOf('ses'), starts.ses),
    row("node -e ''", emptyStart),
  ]
  return `From the call that starts the process until it listens. For the empty program: until it ends.

${table(['', 'CPU ms', 'ms'], rows)}`
}

function memoryPressureText({ memoryPressure }: Results): string {
  const {
    clients,
    budgetBytes,
    accepted,
    deferred,
    rejected,
    unanswered,
    delivered,
    peakBytes,
    stallMs,
    exitReason,
  } = memoryPressure
  const budget =
    budgetBytes === 0
      ? 'no memory limit for messages'
      : `a memory limit for messages of ${digits(budgetBytes / 1e6)} MB`
  const end =
    exitReason === undefined
      ? `Peak memory ${digits(peakBytes / 1e6)} MB, longest stall ${digits(stallMs)} ms.`
      : `The program ended: ${exitReason}`
  return `${clients} clients send to the program, \`-r ses\`, with ${budget}.
${accepted} got 250, ${deferred} 4xx, ${rejected} 5xx, ${unanswered} no reply. The fake SES received ${delivered} messages.
${end}`
}

import { anchors, ratio, ratioToGo } from './anchors.ts'
import { loadNames, loads } from './loads.ts'
import type { Figure, LoadCosts, Machine, Results, StartCost } from './results.ts'
import { subjectNames, titleOf } from './subjects.ts'
import { digits, table } from './table.ts'
import { type Judgement, judge, targets } from './targets.ts'

/** What a run has found, as a page for people. @param plot the name of its picture, if it has one */
export function page(results: Results, plot?: string): string {
  return [
    '# What a mail costs',
    manner(results),
    ...(plot === undefined ? [] : [`![Server CPU per mail, by load and server](${plot})`]),
    ...loadNames
      .filter(name => Object.keys(results.costs[name]).length > 0)
      .map(name => `## ${loads[name].title}\n\n${costTable(results.costs[name])}`),
    `## Targets\n\n${targetTable(judge(results))}${outOfReach(results)}`,
    ...(plot === undefined ? [] : [`How they are measured:\n\n${howTable()}`]),
    `## The Go program\n\n${goProgram(results)}`,
    `## Sessions that do nothing\n\n${idleTable(results)}`,
    `## Start\n\n${startTable(results)}`,
    `## Many clients with 9 MB each at once\n\n${siegeText(results)}`,
  ]
    .map(part => part.trimEnd())
    .join('\n\n')
    .concat('\n')
}

/** The day and the machine. */
export function describe({ date, machine }: Results): string {
  return `${date}: ${machineText(machine)}`
}

function machineText({ node, cpu, cores, memoryBytes, system }: Machine): string {
  return `Node.js ${node}, ${cpu}, ${cores} cores, ${digits(memoryBytes / 1e9)} GB of memory, ${system}`
}

function manner(results: Results): string {
  const { quick, rounds, turnSeconds } = results
  const times = quick
    ? `one quick round of ${turnSeconds} s each: for trying out, not for quoting`
    : `the median of ${rounds} rounds of ${turnSeconds} s each, in turns, with the lowest and the highest`
  return `${describe(results)}; ${times}.

Written by \`npm run bench\`. Everything runs on this one machine, load and stand-in of SES (HTTPS) included, each in a
process of its own. So look at server CPU first: user and system time of the server's process, over the mails it took.
Mails per second depend on what the load takes of the same cores. A stall is the longest time in a round that the event
loop was not back, to within a millisecond, the wait for a core included. Peak memory is the most that the server's
process ever had resident; each load has fresh processes.`
}

function costTable(costs: LoadCosts): string {
  const floor = costs.floor?.cpuMs.median
  const rows = subjectNames.flatMap(name => {
    const cost = costs[name]
    if (cost === undefined) return []
    const { cpuMs, mailsPerSecond, stallMs, peakBytes } = cost
    const ofFloor = floor === undefined ? '' : digits(cpuMs.median / floor)
    const row = [titleOf(name), spread(cpuMs), ofFloor, spread(mailsPerSecond), spread(stallMs)]
    return [[...row, digits(peakBytes / 1e6)]]
  })
  return table(['', 'CPU ms a mail', '× floor', 'mails/s', 'stall ms', 'peak MB'], rows)
}

function spread({ median, low, high }: Figure): string {
  return low === high ? digits(median) : `${digits(median)} (${digits(low)}–${digits(high)})`
}

function targetTable(judgements: readonly Judgement[]): string {
  const rows = judgements.map(judgement => {
    const { target, value, verdict } = judgement
    const { what, limit, unit, atLeast } = target
    const measured = value === undefined ? '' : Number.isInteger(value) ? String(value) : digits(value)
    return [what, `${atLeast ? '≥' : '≤'} ${limit} ${unit}`, measured, distance(judgement), verdict]
  })
  return table(['what', 'target', 'measured', 'distance', ''], rows)
}

/** Where a part of what smtp-server takes was promised, and the floor takes more than that. */
function outOfReach(results: Results): string {
  return targets
    .flatMap(({ load, limit }) => {
      const floor = load && ratio(results, load, 'floor', 'smtpServer')
      if (load === undefined || floor === undefined || floor <= limit) return []
      const title = loads[load].title
      return [
        `\n${title}: the floor itself takes ${digits(floor)} × smtp-server in this run: a socket that parses nothing would miss ${limit}, too.\n`,
      ]
    })
    .join('')
}

function howTable(): string {
  return table(
    ['what', 'unit', 'how'],
    targets.map(({ what, unit, how }) => [what, unit, how]),
  )
}

function distance({ target, value }: Judgement): string {
  if (value === undefined || !Number.isFinite(value) || target.limit === 0) return ''
  const percent = Math.round(100 * (value / target.limit - 1))
  return `${Math.abs(percent)} % ${percent > 0 ? 'above' : 'below'}`
}

function goProgram(results: Results): string {
  const rows = loadNames.flatMap(name => {
    const toGo = ratioToGo(results, name)
    if (toGo === undefined) return []
    const { goCpuMs, floorCpuMs } = anchors[name]
    const ours = ratio(results, name, 'ses', 'floor')!
    const cells = [goCpuMs, floorCpuMs, goCpuMs / floorCpuMs, ours, toGo].map(digits)
    return [[loads[name].title, ...cells]]
  })
  return `It was not measured in this run. Its figures are older, from the same kind of machine but another run with another load
generator, which had the same floor beside it. So both are compared through the floor: CPU of the program, \`-r ses\`, over
the floor here, against CPU of the Go program over the floor there. That is an estimate, and no more. Of its figures the
lower is taken where there were two.

${table(['', 'Go, CPU ms', 'its floor', 'Go × its floor', 'ours × our floor', 'ours of Go'], rows)}`
}

function idleTable({ idle, idleSessions }: Results): string {
  const rows = subjectNames.flatMap(name => {
    const bytes = idle[name]
    return bytes === undefined ? [] : [[titleOf(name), digits(bytes / 1000)]]
  })
  return `${idleSessions} of them, greeted, EHLO answered, garbage collected; without what the kernel holds.

${table(['', 'KB a session'], rows)}`
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
  return `From the moment it is asked for until it listens; the empty one until it ends.

${table(['', 'CPU ms', 'ms'], rows)}`
}

function siegeText({ siege }: Results): string {
  const { clients, budgetBytes, taken, deferred, refused, silent, arrived, peakBytes, stallMs, died } = siege
  const budget =
    budgetBytes === 0 ? 'no budget for mails' : `a budget for mails of ${digits(budgetBytes / 1e6)} MB`
  const end =
    died === undefined
      ? `Peak memory ${digits(peakBytes / 1e6)} MB, longest stall ${digits(stallMs)} ms.`
      : `The program died: ${died}`
  return `${clients} clients send to the program, \`-r ses\`, with ${budget}.
${taken} heard 250, ${deferred} 4xx, ${refused} 5xx, ${silent} nothing; ${arrived} mails arrived at the stand-in of SES.
${end}`
}

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type LoadName, loadNames, loads } from '../../bench/load/loads.ts'
import { page } from '../../bench/report/page.ts'
import { plot } from '../../bench/report/plot.ts'
import { figureOf, type LoadCost, type LoadCosts, type Results } from '../../bench/report/results.ts'
import { checkTargets, targets } from '../../bench/report/targets.ts'
import { updateReadme } from '../../bench/report/update-readme.ts'
import { type ServerName, serverNames, titleOf } from '../../bench/servers/servers.ts'

const costOf = (...cpuMs: readonly number[]): LoadCost => ({
  cpuMs: figureOf(cpuMs),
  messagesPerSecond: figureOf(cpuMs.map(ms => 1000 / ms)),
  stallMs: figureOf([3, 2, 4]),
  peakBytes: 100e6,
})

/** CPU time of the servers, in their order. */
const costsOf = (...cpuMs: readonly number[]): LoadCosts =>
  Object.fromEntries(serverNames.map((name, i) => [name, costOf(cpuMs[i]!)]))

const start = (cpuMs: number, awsClients: readonly string[]) => ({
  ms: figureOf([cpuMs]),
  cpuMs: figureOf([cpuMs]),
  awsClients,
})

/** A run in which every target is met. */
const good: Results = {
  date: '2026-11-22',
  machine: { node: 'v20.0.0', cpu: 'A <fast> CPU', cores: 2, memoryBytes: 8e9, system: 'Linux 6' },
  quick: false,
  rounds: 3,
  roundSeconds: 2,
  costs: {
    keepAlive: costsOf(0.05, 0.06, 0.07, 0.2, 0.3, 0.9, 1),
    newConnection: costsOf(0.2, 0.22, 0.25, 0.8, 0.5, 1.1, 2),
    medium: costsOf(0.1, 0.15, 0.16, 0.7, 0.6, 3.9, 4.5),
    large: costsOf(3.5, 4, 4.2, 40, 45, 143, 180),
  },
  idle: { floor: 6200, engine: 7000, discard: 8000, smtpServer: 14_600 },
  idleSessions: 5000,
  starts: { discard: start(90, []), ses: start(200, ['client-ses']) },
  emptyStart: start(40, []),
  memoryPressure: {
    clients: 200,
    budgetBytes: 256e6,
    peakBytes: 380e6,
    stallMs: 20,
    accepted: 150,
    deferred: 50,
    rejected: 0,
    unanswered: 0,
    delivered: 150,
  },
  bodyCost: { plain: 1, stuffed: 2 },
  scanCost: { one: 100, two: 200 },
  packages: { aws: ['node_modules/a'], own: ['node_modules/b'] },
}

const resultsOf = (results: Results) => checkTargets(results).map(({ result }) => result)
const withCost = (load: LoadName, subject: ServerName, cpuMs: number): Results => ({
  ...good,
  costs: { ...good.costs, [load]: { ...good.costs[load], [subject]: costOf(cpuMs) } },
})

test('every target is checked, and only the one that needs the Go program itself is not measured', () => {
  const targetResults = resultsOf(good)
  assert.equal(targetResults.length, targets.length)
  assert.deepEqual(
    checkTargets(good).flatMap(({ target, result }) =>
      result === 'met' ? [] : [`${target.what}: ${result}`],
    ),
    ['Relay to SES, 2 KB, messages per second: not measured'],
  )
})

test('every measured target can be missed', () => {
  const bad: Results = {
    ...good,
    costs: {
      keepAlive: costsOf(0.05, 0.2, 0.2, 0.2, 1, 0.9, 1),
      newConnection: costsOf(0.2, 0.3, 0.3, 0.8, 0.5, 1.1, 2),
      medium: good.costs.medium,
      large: { ...costsOf(3.5, 8, 8, 40, 145, 143, 180), ses: { ...costOf(145), peakBytes: 291e6 } },
    },
    idle: { engine: 10_100, discard: 10_100 },
    starts: { discard: start(351, []), ses: start(351, ['client-ses', 'client-sesv2']) },
    memoryPressure: { ...good.memoryPressure, peakBytes: 407e6, unanswered: 1, deferred: 49 },
    bodyCost: { plain: 1, stuffed: 3.1 },
    scanCost: { one: 100, two: 221 },
    packages: { aws: [], own: ['a', 'b', 'c', 'd', 'e'] },
  }
  assert.deepEqual(
    checkTargets(bad).flatMap(({ target, result }) => (result === 'met' ? [target.what] : [])),
    [],
  )
})

test('the Go program is compared relative to the floors of both runs', () => {
  const toGo = (results: Results) =>
    checkTargets(results).find(({ target }) => target.unit === '× Go program' && target.limit === 0.5)!.value!
  // As far above the floor as the Go program was above its own: 0.75 to 0.056.
  assert.equal(toGo(withCost('keepAlive', 'ses', (0.05 * 0.75) / 0.056)).toFixed(6), '1.000000')
})

test('a message that was acknowledged but not delivered is lost', () => {
  const lost = checkTargets({ ...good, memoryPressure: { ...good.memoryPressure, delivered: 149 } }).find(
    ({ target }) => target.what.endsWith('lost'),
  )!
  assert.deepEqual([lost.value, lost.result], [1, 'missed'])
})

test('a program that ends under memory pressure misses both targets', () => {
  const memoryPressure = {
    ...good.memoryPressure,
    accepted: 0,
    deferred: 0,
    unanswered: 200,
    peakBytes: Number.NaN,
    exitReason: 'SIGABRT',
  }
  const results = { ...good, memoryPressure }
  assert.equal(resultsOf(results).filter(result => result === 'missed').length, 2)
  assert.match(page(results), /The program ended: SIGABRT/)
})

test('the page has all loads with all servers, the machine, and the spread of repeated measurements', () => {
  const text = page(
    { ...good, costs: { ...good.costs, keepAlive: { floor: costOf(0.05, 0.04, 0.061) } } },
    'results.svg',
  )
  for (const name of loadNames) assert.ok(text.includes(`\n## ${loads[name].title}\n`), name)
  for (const name of serverNames) assert.ok(text.includes(`| ${titleOf(name)} `), name)
  for (const { what } of targets) assert.ok(text.includes(`| ${what} `), what)
  assert.match(text, /2026-11-22: Node\.js v20\.0\.0, A <fast> CPU, 2 cores, 8\.00 GB of memory, Linux 6;/)
  assert.match(text, / 0\.050 \(0\.040–0\.061\) /)
  assert.match(text, /\(results\.svg\)/)
  assert.doesNotMatch(text, /NaN|undefined|Infinity/)
})

test('the page has a note if a target relative to smtp-server is below the floor', () => {
  assert.doesNotMatch(page(good), /parses nothing would miss/)
  assert.match(
    page(withCost('keepAlive', 'smtpServer', 0.08)),
    /2 KB, keep-alive: the floor takes 0\.625 × smtp-server/,
  )
})

test('a load that a quick run leaves out is not on the page or in the plot', () => {
  const quick: Results = { ...good, quick: true, rounds: 1, costs: { ...good.costs, medium: {} } }
  assert.doesNotMatch(page(quick), /100 KB/)
  assert.match(page(quick), /not for publication/)
  assert.doesNotMatch(plot(quick), /100 KB/)
})

test('the plot has a bar for every cost, scaled within its load', () => {
  const svg = plot(good)
  const bars = [...svg.matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width))
  assert.equal(bars.length, loadNames.length * serverNames.length)
  const [first] = loadNames
  const longest = Math.max(...bars.slice(0, serverNames.length))
  for (const [i, name] of serverNames.entries()) {
    const share = good.costs[first!][name]!.cpuMs.median / 1
    assert.ok(Math.abs(bars[i]! - longest * share) < 0.1, name)
  }
})

test('the plot is well-formed for any name of the CPU', () => {
  const svg = plot(good)
  assert.match(svg, /A &lt;fast&gt; CPU/)
  const open: string[] = []
  for (const [, end, name, alone] of svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
    if (end) assert.equal(open.pop(), name)
    else if (!alone) open.push(name!)
  }
  assert.deepEqual(open, [])
})

test('the figures are written between the marks of the README', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const updated = updateReadme(readme, good)
  assert.match(updated, /\| the program, -r ses +\| +0\.300 \| +0\.500 \| +0\.600 \| +45\.0 \| +3333 \|/)
  assert.match(updated, /An idle session takes 8\.00 KB/)
  assert.equal(updateReadme(updated, good), updated)
  const otherText = (text: string) => text.replace(/<!-- figures -->.*<!-- \/figures -->/s, '')
  assert.equal(otherText(updated), otherText(readme))
})

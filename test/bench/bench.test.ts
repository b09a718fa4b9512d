import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type LoadName, loadNames, loads } from '../../bench/loads.ts'
import { page } from '../../bench/page.ts'
import { plot } from '../../bench/plot.ts'
import { quoteIn } from '../../bench/quote.ts'
import { figureOf, type LoadCost, type LoadCosts, type Results } from '../../bench/results.ts'
import { type SubjectName, subjectNames, titleOf } from '../../bench/subjects.ts'
import { judge, targets } from '../../bench/targets.ts'

const costOf = (...cpuMs: readonly number[]): LoadCost => ({
  cpuMs: figureOf(cpuMs),
  mailsPerSecond: figureOf(cpuMs.map(ms => 1000 / ms)),
  stallMs: figureOf([3, 2, 4]),
  peakBytes: 100e6,
})

/** CPU of the subjects, in their order. */
const costsOf = (...cpuMs: readonly number[]): LoadCosts =>
  Object.fromEntries(subjectNames.map((name, i) => [name, costOf(cpuMs[i]!)]))

const start = (cpuMs: number, awsClients: readonly string[]) => ({
  ms: figureOf([cpuMs]),
  cpuMs: figureOf([cpuMs]),
  awsClients,
})

/** A run in which every promise was kept. */
const good: Results = {
  date: '2026-11-22',
  machine: { node: 'v20.0.0', cpu: 'A <fast> CPU', cores: 2, memoryBytes: 8e9, system: 'Linux 6' },
  quick: false,
  rounds: 3,
  turnSeconds: 2,
  costs: {
    kept: costsOf(0.05, 0.06, 0.07, 0.2, 0.3, 0.9, 1),
    renewed: costsOf(0.2, 0.22, 0.25, 0.8, 0.5, 1.1, 2),
    medium: costsOf(0.1, 0.15, 0.16, 0.7, 0.6, 3.9, 4.5),
    large: costsOf(3.5, 4, 4.2, 40, 45, 143, 180),
  },
  idle: { floor: 6200, engine: 7000, discard: 8000, smtpServer: 14_600 },
  idleSessions: 5000,
  starts: { discard: start(90, []), ses: start(200, ['client-ses']) },
  emptyStart: start(40, []),
  siege: {
    clients: 200,
    budgetBytes: 256e6,
    peakBytes: 380e6,
    stallMs: 20,
    taken: 150,
    deferred: 50,
    refused: 0,
    silent: 0,
    arrived: 150,
  },
  bodies: { plain: 1, stuffed: 2 },
  octets: { one: 100, two: 200 },
  packages: { aws: ['node_modules/a'], own: ['node_modules/b'] },
}

const verdictsOf = (results: Results) => judge(results).map(({ verdict }) => verdict)
const withCost = (load: LoadName, subject: SubjectName, cpuMs: number): Results => ({
  ...good,
  costs: { ...good.costs, [load]: { ...good.costs[load], [subject]: costOf(cpuMs) } },
})

test('every target is judged, and only what needs the Go program itself is not measured', () => {
  const verdicts = verdictsOf(good)
  assert.equal(verdicts.length, targets.length)
  assert.deepEqual(
    judge(good).flatMap(({ target, verdict }) => (verdict === 'met' ? [] : [`${target.what}: ${verdict}`])),
    ['Relay to SES, 2 KB, mails per second: not measured'],
  )
})

test('every target that is measured can be missed', () => {
  const bad: Results = {
    ...good,
    costs: {
      kept: costsOf(0.05, 0.2, 0.2, 0.2, 1, 0.9, 1),
      renewed: costsOf(0.2, 0.3, 0.3, 0.8, 0.5, 1.1, 2),
      medium: good.costs.medium,
      large: { ...costsOf(3.5, 8, 8, 40, 145, 143, 180), ses: { ...costOf(145), peakBytes: 291e6 } },
    },
    idle: { engine: 10_100, discard: 10_100 },
    starts: { discard: start(351, []), ses: start(351, ['client-ses', 'client-sesv2']) },
    siege: { ...good.siege, peakBytes: 407e6, silent: 1, deferred: 49 },
    bodies: { plain: 1, stuffed: 3.1 },
    octets: { one: 100, two: 221 },
    packages: { aws: [], own: ['a', 'b', 'c', 'd', 'e'] },
  }
  assert.deepEqual(
    judge(bad).flatMap(({ target, verdict }) => (verdict === 'met' ? [target.what] : [])),
    [],
  )
})

test('the Go program is compared through the floors of both runs', () => {
  const toGo = (results: Results) =>
    judge(results).find(({ target }) => target.unit === '× Go program' && target.limit === 0.5)!.value!
  // As far above the floor as the Go program was above its own: 0.75 to 0.056.
  assert.equal(toGo(withCost('kept', 'ses', (0.05 * 0.75) / 0.056)).toFixed(6), '1.000000')
})

test('a mail that was acknowledged and never arrived is lost', () => {
  const lost = judge({ ...good, siege: { ...good.siege, arrived: 149 } }).find(({ target }) =>
    target.what.endsWith('lost'),
  )!
  assert.deepEqual([lost.value, lost.verdict], [1, 'missed'])
})

test('a program that died under the siege has missed both of its targets', () => {
  const siege = { ...good.siege, taken: 0, deferred: 0, silent: 200, peakBytes: Number.NaN, died: 'SIGABRT' }
  const results = { ...good, siege }
  assert.equal(verdictsOf(results).filter(verdict => verdict === 'missed').length, 2)
  assert.match(page(results), /The program died: SIGABRT/)
})

test('the page has every load with every subject, the machine, and the spread of what was measured often', () => {
  const text = page(
    { ...good, costs: { ...good.costs, kept: { floor: costOf(0.05, 0.04, 0.061) } } },
    'results.svg',
  )
  for (const name of loadNames) assert.ok(text.includes(`\n## ${loads[name].title}\n`), name)
  for (const name of subjectNames) assert.ok(text.includes(`| ${titleOf(name)} `), name)
  for (const { what } of targets) assert.ok(text.includes(`| ${what} `), what)
  assert.match(text, /2026-11-22: Node\.js v20\.0\.0, A <fast> CPU, 2 cores, 8\.00 GB of memory, Linux 6;/)
  assert.match(text, / 0\.050 \(0\.040–0\.061\) /)
  assert.match(text, /\(results\.svg\)/)
  assert.doesNotMatch(text, /NaN|undefined|Infinity/)
})

test('where half of smtp-server is less than the floor, the page says so', () => {
  assert.doesNotMatch(page(good), /parses nothing would miss/)
  assert.match(
    page(withCost('kept', 'smtpServer', 0.08)),
    /2 KB, connection kept: the floor itself takes 0\.625 × smtp-server/,
  )
})

test('a load that a quick run leaves out is left out of page and plot', () => {
  const quick: Results = { ...good, quick: true, rounds: 1, costs: { ...good.costs, medium: {} } }
  assert.doesNotMatch(page(quick), /100 KB/)
  assert.match(page(quick), /not for quoting/)
  assert.doesNotMatch(plot(quick), /100 KB/)
})

test('the plot has a bar for every cost, and its length is the cost within its load', () => {
  const svg = plot(good)
  const bars = [...svg.matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width))
  assert.equal(bars.length, loadNames.length * subjectNames.length)
  const [first] = loadNames
  const longest = Math.max(...bars.slice(0, subjectNames.length))
  for (const [i, name] of subjectNames.entries()) {
    const share = good.costs[first!][name]!.cpuMs.median / 1
    assert.ok(Math.abs(bars[i]! - longest * share) < 0.1, name)
  }
})

test('the plot is well-formed whatever the CPU is called', () => {
  const svg = plot(good)
  assert.match(svg, /A &lt;fast&gt; CPU/)
  const open: string[] = []
  for (const [, end, name, alone] of svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
    if (end) assert.equal(open.pop(), name)
    else if (!alone) open.push(name!)
  }
  assert.deepEqual(open, [])
})

test('the README has a place for the figures, and gets them there', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const quoted = quoteIn(readme, good)
  assert.match(quoted, /\| the program, -r ses +\| +0\.300 \| +0\.500 \| +0\.600 \| +45\.0 \| +3333 \|/)
  assert.match(quoted, /An idle session takes 8\.00 KB/)
  assert.equal(quoteIn(quoted, good), quoted)
  const rest = (text: string) => text.replace(/<!-- figures -->.*<!-- \/figures -->/s, '')
  assert.equal(rest(quoted), rest(readme))
})

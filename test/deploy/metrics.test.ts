/** The metrics that the dashboard and the alerts query exist. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentsOf, type Tree, textOf } from './files.ts'
import { metrics } from './metrics.ts'

/** Labels that Prometheus adds, and the label of histograms. */
const added = ['job', 'instance', 'le']

const [dashboard] = documentsOf('grafana/aws-smtp-relay.json')
const panels: readonly Tree[] = dashboard.panels.filter((panel: Tree) => panel.type !== 'row')
const alerts: readonly Tree[] = documentsOf('prometheus/alerts.yml')[0].groups[0].rules
const queries = new Map<string, string>([
  ...alerts.map(({ alert, expr }) => [alert, expr] as const),
  ...panels.flatMap(({ title, targets }) =>
    targets.map((target: Tree) => [`${title} ${target.refId}`, target.expr] as const),
  ),
])

test('every metric and label that a query names exists', () => {
  assert.ok(queries.size > 30)
  for (const [query, expression] of queries) {
    const selectors = selectorsIn(expression)
    assert.ok(selectors.length > 0, query)
    for (const { name, matchers } of selectors) {
      const metric = metricOf(name)
      assert.ok(metric !== undefined, `${query}: ${name}`)
      for (const [label, operator, value] of matchers) {
        if (added.includes(label)) continue
        assert.ok(metric.labels.has(label), `${query}: ${name} has no label ${label}`)
        const values = metric.labels.get(label)
        const wanted = operator === '=~' ? value.split('|') : [value]
        if (values !== undefined)
          for (const one of wanted) assert.ok(values.includes(one), `${query}: ${one}`)
      }
      for (const label of groupedBy(expression)) {
        assert.ok(
          added.includes(label) || metric.labels.has(label),
          `${query}: ${name} has no label ${label}`,
        )
      }
    }
  }
})

test('every metric of the program is on the dashboard', () => {
  const shown = new Set(
    [...queries.values()].flatMap(selectorsIn).map(({ name }) => name.replace(suffix, '')),
  )
  const templating = JSON.stringify(dashboard.templating)
  for (const name of metrics.keys()) {
    if (!name.startsWith('aws_smtp_relay_')) continue
    assert.ok(shown.has(name) || templating.includes(name), name)
  }
})

test('every panel has a place and a number of its own, and asks the data source that was chosen', () => {
  const taken = new Set<string>()
  for (const { gridPos } of dashboard.panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(x < 24 && !taken.has(`${x},${y}`), `${x},${y}`)
        taken.add(`${x},${y}`)
      }
    }
  }
  const ids = dashboard.panels.map((panel: Tree) => panel.id)
  assert.equal(new Set(ids).size, ids.length)
  for (const panel of panels) {
    assert.equal(panel.datasource.uid, '$' + '{datasource}')
    for (const target of panel.targets) assert.match(target.expr, /\{job=~"\$job", instance=~"\$instance"/)
  }
})

test('every alert says what it means and links to instructions', () => {
  const readme = textOf('README.md')
  for (const { alert, labels, annotations } of alerts) {
    assert.ok(['critical', 'warning'].includes(labels.severity), alert)
    assert.ok(annotations.summary && annotations.description, alert)
    assert.equal(annotations.runbook, `deploy/README.md#${alert.toLowerCase()}`)
    assert.ok(readme.includes(`\n### ${alert}\n`), alert)
  }
  assert.equal(readme.match(/^### Relay/gm)?.length, alerts.length)
})

const suffix = /_(bucket|sum|count)$/

function metricOf(name: string) {
  const whole = metrics.get(name.replace(suffix, ''))
  return suffix.test(name) && whole?.histogram ? whole : metrics.get(name)
}

interface Selector {
  readonly name: string
  readonly matchers: readonly (readonly [label: string, operator: string, value: string])[]
}

function selectorsIn(expression: string): readonly Selector[] {
  return [...expression.matchAll(/\b((?:aws_smtp_relay|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name, inside = '']) => ({
      name: name!,
      matchers: [...inside.matchAll(/(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"/g)].map(
        ([, label, operator, value]) => [label!, operator!, value!] as const,
      ),
    }),
  )
}

function groupedBy(expression: string): readonly string[] {
  return [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels]) => labels!.split(/,\s*/))
}

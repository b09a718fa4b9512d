import assert from 'node:assert/strict'

/** One line of an exposition. */
export interface Sample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

/** A metric with all its lines. */
export interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly samples: readonly Sample[]
}

/**
 * Reads the text format of Prometheus, version 0.0.4, as strictly as its specification
 * (https://prometheus.io/docs/instrumenting/exposition_formats/) and the naming conventions allow, and more strictly
 * than Prometheus does. Fails if a line is not valid, or a metric is not complete.
 */
export function readExposition(text: string): ReadonlyMap<string, Family> {
  assert.ok(text.endsWith('\n'), 'the last line ends with a newline')
  const families = new Map<string, { name: string; type: string; help: string; samples: Sample[] }>()
  let family: { name: string; type: string; help: string; samples: Sample[] } | undefined
  let help: { name: string; text: string } | undefined
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line) ?? []
    if (keyword === 'HELP') {
      assert.match(rest, /^(?:[^\\]|\\\\|\\n)*$/, line)
      help = { name, text: rest }
    } else if (keyword === 'TYPE') {
      assert.equal(help?.name, name, `HELP comes before TYPE: ${line}`)
      assert.match(rest, /^(counter|gauge|histogram)$/, line)
      assert.ok(!families.has(name), `told twice: ${line}`)
      family = { name, type: rest, help: help!.text, samples: [] }
      families.set(name, family)
    } else {
      const sample = readSample(line)
      assert.ok(family !== undefined && belongs(sample.name, family), `a line on its own: ${line}`)
      family.samples.push(sample)
    }
  }
  for (const each of families.values()) checkFamily(each as Family)
  return families as ReadonlyMap<string, Family>
}

/** Returns the value of the line with exactly these labels; `undefined` if there is no such line. */
export function numberOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = Object.entries(labels)
  const all = [...families.values()].flatMap(({ samples }) => samples)
  return all.find(
    sample =>
      sample.name === name &&
      sample.labels.size === wanted.length &&
      wanted.every(([label, value]) => sample.labels.get(label) === value),
  )?.value
}

function readSample(line: string): Sample {
  const [, name, inside, number = ''] =
    /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/.exec(line) ?? []
  assert.ok(name !== undefined, `no line of the format: ${line}`)
  const labels = new Map<string, string>()
  for (const [, label, value] of (inside ?? '').matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
    assert.ok(!label!.startsWith('__') && !labels.has(label!), line)
    labels.set(label!, value!)
  }
  assert.match(number, /^(?:[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?|NaN|[+-]Inf)$/, line)
  const value = number.endsWith('Inf') ? Number(`${number}inity`) : Number(number)
  return { name, labels, value }
}

function belongs(sample: string, { name, type }: { name: string; type: string }): boolean {
  return type === 'histogram'
    ? /_(?:bucket|sum|count)$/.test(sample) && sample.startsWith(name)
    : sample === name
}

function checkFamily({ name, type, samples }: Family): void {
  assert.equal(type === 'counter', name.endsWith('_total'), `${name} is a ${type}`)
  const series = samples.map(each => `${each.name}{${[...each.labels].sort().join(';')}}`)
  assert.equal(new Set(series).size, series.length, `${name} has the same line twice`)
  if (type === 'counter') for (const { value } of samples) assert.ok(value >= 0, `${name} is ${value}`)
  if (type === 'histogram') checkHistogram(name, samples)
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const key = ({ labels }: Sample) => JSON.stringify([...labels].filter(([label]) => label !== 'le').sort())
  for (const one of new Set(samples.map(key))) {
    const of = (suffix: string) =>
      samples.filter(each => each.name === `${name}_${suffix}` && key(each) === one)
    const buckets = of('bucket')
    const bounds = buckets.map(({ labels }) => Number(labels.get('le')!.replace('+Inf', 'Infinity')))
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => a - b),
      `${name}: buckets in order`,
    )
    assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY)
    const counts = buckets.map(({ value }) => value)
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      `${name}: buckets include those below`,
    )
    assert.equal(of('sum').length, 1)
    assert.deepEqual(
      of('count').map(({ value }) => value),
      [counts.at(-1)],
    )
  }
}

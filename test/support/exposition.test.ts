import assert from 'node:assert/strict'
import { test } from 'node:test'
import { numberOf, readExposition } from './exposition.ts'

const head = '# HELP a_total Text.\n# TYPE a_total counter\n'

test('an exposition is parsed, with its labels and every kind of number', () => {
  const families = readExposition(
    `${head}a_total{x="1",y="\\"\\n"} 1.5e-7\na_total 3\n\n# HELP g Text.\n# TYPE g gauge\ng NaN\n`,
  )
  assert.equal(numberOf(families, 'a_total', { x: '1', y: '\\"\\n' }), 1.5e-7)
  assert.equal(numberOf(families, 'a_total'), 3)
  assert.equal(numberOf(families, 'g'), Number.NaN)
  assert.equal(numberOf(families, 'a_total', { x: '1' }), undefined)
})

for (const [what, text] of Object.entries({
  'no newline at the end': `${head}a_total 1`,
  'a line without a type': 'a_total 1\n',
  'a type without a help': '# TYPE a_total counter\n',
  'a line of another metric': `${head}b_total 1\n`,
  'a metric twice': `${head}${head}`,
  'a series twice': `${head}a_total 1\na_total 1\n`,
  'a label without quotes': `${head}a_total{x=1} 1\n`,
  'a quote that is not escaped': `${head}a_total{x="""} 1\n`,
  'a number that is none': `${head}a_total null\n`,
  'a NaN in other letters': `${head}a_total Nan\n`,
  'a counter below zero': `${head}a_total -1\n`,
  'a counter without its ending': '# HELP a Text.\n# TYPE a counter\na 1\n',
  'a gauge with the ending of a counter': '# HELP a_total Text.\n# TYPE a_total gauge\na_total 1\n',
  'a histogram without a last bucket':
    '# HELP h Text.\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\n',
  'a histogram whose buckets shrink':
    '# HELP h Text.\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
  'a histogram whose count is another':
    '# HELP h Text.\n# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n',
})) {
  test(`not an exposition: ${what}`, () => {
    assert.throws(() => readExposition(text), assert.AssertionError)
  })
}

/** The lint of prose: each rule finds its own examples, and good sentences pass. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isExcepted, lint } from '../../scripts/prose/lint.ts'
import { rules } from '../../scripts/prose/rules.ts'
import { proseOf } from '../../scripts/prose/text.ts'

const namesIn = (path: string, text: string) => lint(path, text).map(({ rule }) => rule.name)

/** Source code with templates: `#{` stands for the beginning of an expression. */
const embedding = (source: string) => source.replaceAll('#{', '$' + '{')

for (const rule of rules) {
  test(`prose, ${rule.name}: ${rule.bad[0]} is found`, () => {
    assert.ok(rule.bad.length > 0)
    for (const sentence of rule.bad) assert.ok(namesIn('page.md', sentence).includes(rule.name), sentence)
  })
}

test('good sentences pass every rule', () => {
  for (const sentence of rules.flatMap(rule => rule.good))
    assert.deepEqual(namesIn('page.md', sentence), [], sentence)
})

test('comments, test titles and, in src, messages are prose; code and other strings are not', () => {
  const source = [
    'const anew = 1 // begins anew',
    '/** Two',
    ' * mails. */',
    "test('nobody waits', () => {})",
    "say('Nobody is there, it seems')",
    "const word = 'nobody'",
  ].join('\n')
  const places = (path: string) => lint(path, source).map(({ line, rule }) => `${line} ${rule.name}`)
  assert.deepEqual(places('test/a.test.ts'), ['1 anew', '3 mails', '4 nobody'])
  assert.deepEqual(places('src/a.ts'), ['1 anew', '3 mails', '4 nobody', '5 nobody'])
})

test('a phrase is found across the lines of a comment, and at the line it begins on', () => {
  const [finding] = lint('src/a.ts', 'let a\n// It is sent as\n// far as it goes.\n')
  assert.equal(finding?.line, 2)
  assert.equal(finding?.words, 'as far as')
})

test('strings, templates and regular expressions that hold the marks of comments do not begin one', () => {
  for (const code of [
    "const a = 'http://nobody'",
    'const a = "/* nobody"',
    embedding('const a = `// nobody #{b ? `// #{c}` : "}"} // nobody`'),
    'const a = /[/"]\\/\\/ nobody/.test(b)',
    'const a = b / c // d',
  ])
    assert.deepEqual(namesIn('test/a.ts', `${code}\nconst nobody = 1`), [], code)
  assert.deepEqual(namesIn('test/a.ts', embedding('const a = `#{b}` // nobody')), ['nobody'])
  assert.deepEqual(namesIn('test/a.ts', embedding('test(`#{b}: nobody waits`, () => {})')), ['nobody'])
})

test('code of a page is not prose: fences, spans, addresses of links and paths as their texts', () => {
  assert.deepEqual(
    namesIn('a.md', '```sh\nnobody\n```\n`nobody` [x](nobody.md) [a/nobody](b) <!-- nobody -->\n'),
    [],
  )
  assert.deepEqual(namesIn('a.md', '```sh\nx\n```\nnobody\n'), ['nobody'])
})

test('titles and comments of transcripts and comments of configuration files are prose', () => {
  assert.deepEqual(namesIn('a.smtp', 'Title: Nobody\nC: RCPT TO:<nobody>\n# anew\n'), ['nobody', 'anew'])
  assert.deepEqual(namesIn('a.yaml', 'nobody: "#nobody" # anew\n'), ['anew'])
  assert.equal(proseOf('a.png', 'nobody'), undefined)
})

test('the masked text has the length and the lines of the file', () => {
  const text = embedding('const a = `b #{c}` // d\n/* e\n f */ "g"\n')
  const prose = proseOf('src/a.ts', text)
  assert.equal(prose?.length, text.length)
  assert.equal(prose?.split('\n').length, text.split('\n').length)
})

test('an exception is of one path and of lines with its words', () => {
  const [finding] = lint('a.md', 'It SHALL wait')
  assert.ok(finding)
  const exception = { path: 'a.md', words: 'SHALL wait', reason: 'RFC' }
  assert.ok(isExcepted(exception, finding, 'It SHALL wait'))
  assert.ok(!isExcepted(exception, finding, 'It SHALL go'))
  assert.ok(!isExcepted({ ...exception, path: 'b.md' }, finding, 'It SHALL wait'))
})

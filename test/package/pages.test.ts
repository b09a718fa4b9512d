import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'

const root = new URL('../../', import.meta.url)
const page = new URL('docs/embedding.md', root)

test('docs/embedding.md shows the examples unchanged', () => {
  let text = readFileSync(page, 'utf8')
  for (const name of readdirSync(new URL('examples', root))) {
    const marks = new RegExp(`(<!-- examples/${name} -->\\n).*(<!-- /examples/${name} -->)`, 's')
    assert.match(text, marks)
    const code = readFileSync(new URL(`examples/${name}`, root), 'utf8')
    text = text.replace(marks, (_, begin, end) => `${begin}\`\`\`js\n${code}\`\`\`\n${end}`)
  }
  if (process.env.UPDATE === '1') writeFileSync(page, text)
  else assert.equal(readFileSync(page, 'utf8'), text)
})

test('docs/embedding.md lists every entry point', () => {
  const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  const entryPoints = Object.keys(exports).filter(entryPoint => entryPoint !== './package.json')
  const written = [...readFileSync(page, 'utf8').matchAll(/^\| `(aws-smtp-relay\S*)` \|/gm)].map(
    ([, entryPoint]) => entryPoint,
  )
  assert.deepEqual(
    written,
    entryPoints.map(entryPoint => entryPoint.replace('.', 'aws-smtp-relay')),
  )
})

test('every link of these pages leads to a file that exists', () => {
  for (const name of ['embedding.md', 'dependencies.md']) {
    const text = readFileSync(new URL(`docs/${name}`, root), 'utf8')
    const links = [...text.matchAll(/\]\((?!https:)([^)#]+)/g)].map(([, target]) => target!)
    assert.ok(links.length > 0)
    for (const target of links) readFileSync(new URL(`docs/${target}`, root))
  }
})

test('docs/embedding.md names the releases of Node.js that the package supports', () => {
  const { engines } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  const [first, second, third] = engines.node.match(/\d+\.\d+/g)
  const sentence = `Node.js ${first}, ${second}, ${third.replace('.0', '')} or newer.`
  assert.ok(readFileSync(page, 'utf8').includes(sentence), sentence)
})

/** What can be checked of the chart without helm. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentsOf, paths, type Tree, textOf } from './files.ts'

const templates = paths.filter(path => path.startsWith('helm/templates/'))
const source = templates.map(textOf).join('\n')
const [values] = documentsOf('helm/values.yaml')

test('every block of a template that begins also ends', () => {
  assert.ok(templates.length > 5)
  for (const path of templates) {
    const text = textOf(path)
    const actions = [...text.matchAll(/\{\{-?\s*(.*?)\s*-?\}\}/gs)].map(([, action]) => action!)
    assert.equal(actions.length, text.split('{{').length - 1, path)
    let open = 0
    for (const action of actions) {
      if (/^(if|with|range|define)\b/.test(action)) open++
      if (/^end\b/.test(action)) open--
      assert.ok(open >= 0, path)
    }
    assert.equal(open, 0, path)
  }
})

test('every value that a template names has a default, and every default is used', () => {
  const named = [...new Set([...source.matchAll(/\.Values\.([\w.]+)/g)].map(([, path]) => path!))]
  assert.ok(named.length > 15)
  for (const path of named) {
    const found = path.split('.').reduce<Tree>((tree, key) => tree?.[key], values)
    assert.notEqual(found, undefined, path)
  }
  const used = (path: string) => named.some(name => path === name || path.startsWith(`${name}.`))
  for (const path of leaves(values)) assert.ok(used(path), path)
})

test('the chart, the image and the program have one version', async () => {
  const [chart] = documentsOf('helm/Chart.yaml')
  const { version } = documentsOf('../package.json')[0]
  assert.deepEqual([chart.version, chart.appVersion], [version, version])
  const images = paths
    .filter(path => !path.endsWith('.md'))
    .flatMap(path => [...textOf(path).matchAll(/\baws-smtp-relay:([\w.]+)/g)])
  assert.ok(images.length >= 3)
  for (const [image, tag] of images) assert.equal(tag, version, image)
})

function leaves(tree: Tree, path = ''): readonly string[] {
  if (tree === null || typeof tree !== 'object' || Array.isArray(tree) || Object.keys(tree).length === 0) {
    return [path]
  }
  return Object.entries(tree).flatMap(([key, below]) => leaves(below, path === '' ? key : `${path}.${key}`))
}

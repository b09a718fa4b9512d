/** CONTRIBUTING.md lists exactly the npm scripts. The packages of the subfolders have exact versions too. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { root, rowsOf } from './markdown.ts'

const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: object }

test('CONTRIBUTING.md explains exactly the npm scripts', () => {
  // npm runs these automatically before another script.
  const hooks = /^(pre|post)(?=start|test|pack)/
  const told = rowsOf(readFileSync(`${root}CONTRIBUTING.md`, 'utf8'), 'Command').map(
    ([command = '']) => /^`npm (?:run )?([\w:-]+)`$/.exec(command)?.[1],
  )
  assert.deepEqual(
    told.toSorted(),
    Object.keys(scripts)
      .filter(name => !hooks.test(name))
      .toSorted(),
  )
})

for (const folder of ['', 'scripts/reference/']) {
  test(`${folder}package-lock.json has the versions of ${folder}package.json, a hash of each, and no registry`, () => {
    const read = (name: string) => JSON.parse(readFileSync(root + folder + name, 'utf8'))
    const { dependencies, devDependencies } = read('package.json')
    const { packages } = read('package-lock.json') as { packages: Record<string, Record<string, string>> }
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
      assert.equal(packages[`node_modules/${name}`]?.version, version, name)
    for (const [path, entry] of Object.entries(packages)) {
      if (path === '') continue
      assert.match(entry.integrity ?? '', /^sha512-/, path)
      assert.equal(entry.resolved, undefined, path)
    }
  })
}

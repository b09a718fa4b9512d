import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { repository } from './installation.ts'
import { locked } from './lock.ts'

interface Component {
  readonly name: string
  readonly version: string
  readonly purl: string
  readonly hashes?: readonly object[]
  readonly licenses?: readonly { readonly license?: { readonly id?: string } }[]
}

/** Returns the output of `npm run sbom`, without network access. */
async function sbom(): Promise<{ metadata: { component: Component }; components: readonly Component[] }> {
  const args = ['--import', 'tsx', join(repository, 'scripts', 'sbom.ts'), '--offline']
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: repository, timeout: 120_000 })
  return JSON.parse(stdout)
}

test('the SBOM names exactly the packages that are installed for users, each with version, origin, hash and licence', async () => {
  const { components } = await sbom()
  const expected = locked().map(({ name, version, license }) => ({
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    license,
  }))
  const found = components.map(({ name, version, purl, licenses }) => ({
    name,
    version,
    purl,
    license: licenses?.[0]?.license?.id,
  }))
  const byPurl = (a: { purl: string }, b: { purl: string }) => (a.purl < b.purl ? -1 : 1)
  assert.deepEqual(found.sort(byPurl), expected.sort(byPurl))
  assert.ok(found.some(({ name }) => name === 'minimist'))
  for (const { name, hashes } of components) assert.equal(hashes?.length, 1, name)
})

test('the SBOM is that of this package', async () => {
  const { name, version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'))
  const { component } = (await sbom()).metadata
  assert.deepEqual([component.name, component.version], [name, version])
  assert.equal(component.purl, `pkg:npm/${name}@${version}`)
})

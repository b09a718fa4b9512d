import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { packed, repository } from './installation.ts'

/** Everything that users need, and nothing that only developers of the package need. */
const needed = [
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md)$/,
  // What README.md summarizes.
  /^docs\/[\w-]+\.md$/,
  // The program, and the modules that applications embed, with their types.
  /^dist\/([\w-]+\/)*[\w-]+\.(js|d\.ts)$/,
  /^examples\/[\w-]+\.mjs$/,
  // smtp-transcript plays and replays them; for TLS it needs a certificate.
  /^fixtures\/README\.md$/,
  /^fixtures\/([\w-]+\/)+[\w.-]+\.smtp$/,
  /^fixtures\/tls\/(README\.md|certificate\.pem|key\.pem)$/,
]

test('npm packs only what users need', async () => {
  const files = await packed()
  assert.deepEqual(
    files.filter(file => !needed.some(pattern => pattern.test(file))),
    [],
  )
  for (const pattern of needed) {
    assert.ok(
      files.some(file => pattern.test(file)),
      `nothing is packed for ${pattern}`,
    )
  }
})

test('each packed file of dist was built from a source that exists, and each source has a packed file', async () => {
  const sources = readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'))
    .map(file => file.replace(/\.ts$/, ''))
  const made = sources.flatMap(source => [`dist/${source}.d.ts`, `dist/${source}.js`])
  const files = await packed()
  assert.deepEqual(files.filter(file => file.startsWith('dist/')).sort(), made.sort())
})

test('a build removes the output of a source that was removed', async () => {
  const stale = ['gone.js', 'gone.d.ts', 'gone/index.js', 'cli.js.map'].map(name =>
    join(repository, 'dist', name),
  )
  for (const path of stale) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, '')
  }
  const prune = join(repository, 'scripts', 'prune.ts')
  await promisify(execFile)(process.execPath, ['--import', 'tsx', prune], { cwd: repository })
  assert.deepEqual(stale.filter(existsSync), [])
  assert.ok(!existsSync(join(repository, 'dist', 'gone')))
  assert.ok(existsSync(join(repository, 'dist', 'cli.js')))
})

test('every entry point and every command is a packed file', async () => {
  const { exports, bin } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'))
  const targets = [exports, bin].flatMap(leaves).map(target => target.replace(/^\.\//, ''))
  const files = await packed()
  assert.ok(targets.length > 12)
  for (const target of targets) assert.ok(files.includes(target), `${target} is not packed`)
})

test('no packed source map points to sources that are not packed', async () => {
  for (const file of (await packed()).filter(file => file.startsWith('dist/'))) {
    assert.ok(existsSync(join(repository, file)))
    assert.doesNotMatch(readFileSync(join(repository, file), 'utf8'), /sourceMappingURL/, file)
  }
})

function leaves(node: string | Record<string, never>): readonly string[] {
  return typeof node === 'string' ? [node] : Object.values(node).flatMap(leaves)
}

/** What the modules of `src` may import, and ARCHITECTURE.md's table and drawing of it: `UPDATE=1` draws it again. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { printed, root, rowsOf } from './markdown.ts'

const src = fileURLToPath(new URL('../../src', import.meta.url))

/** What each module may import, types included: other modules, modules of Node.js, packages. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  support: ['node:fs', 'node:tty', 're2js'],
  transport: ['protocol', 'support', 'node:crypto', 'node:fs', 'node:net', 'node:tls'],
  auth: ['protocol', 'support', 'node:crypto', 'node:fs/promises', 'node:net', '@node-rs/bcrypt'],
  relay: [
    'protocol',
    'support',
    'node:crypto',
    'node:fs/promises',
    'node:https',
    'node:net',
    'node:os',
    'node:path',
    'node:stream',
    '@aws-sdk/client-pinpoint',
    '@aws-sdk/client-ses',
    '@aws-sdk/client-sesv2',
  ],
  operations: [
    'auth',
    'protocol',
    'relay',
    'support',
    'transport',
    'node:fs',
    'node:http',
    'node:net',
    'node:stream',
    'prom-client',
  ],
  config: ['auth', 'relay', 'transport', 'node:fs', 'node:module', 'node:os', 'node:v8', 'minimist'],
  server: [
    'auth',
    'config',
    'operations',
    'protocol',
    'relay',
    'support',
    'transport',
    'node:crypto',
    'node:net',
  ],
  program: [
    'config',
    'operations',
    'server',
    'support',
    'node:cluster',
    'node:crypto',
    'node:fs',
    'node:net',
    'node:os',
    'node:path',
    'node:stream',
    'node:timers/promises',
    'node:tls',
    'node:url',
  ],
  transcript: [
    'auth',
    'protocol',
    'support',
    'transport',
    'node:fs',
    'node:net',
    'node:path',
    'node:tls',
    'node:url',
    'node:util',
  ],
  index: ['auth', 'config', 'operations', 'protocol', 'relay', 'server', 'support', 'transport', 'node:net'],
  cli: ['config', 'operations', 'program', 'server', 'support'],
}
const modules = Object.keys(allowed)

interface Import {
  /** The file that imports, below `src`. */
  readonly file: string
  /** The file that is imported, below `src`; of Node.js or of a package its name. */
  readonly target: string
  readonly typeOnly: boolean
  /** It is an `import()`: loaded when it is needed, not at the start. */
  readonly lazy: boolean
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
const imports = files.flatMap(importsOf)

function importsOf(file: string): Import[] {
  const text = readFileSync(join(src, file), 'utf8')
  const found = text.matchAll(
    /^(?:import|export)\s+(type\s)?[^'"()]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
  )
  return [...found].map(([, type, from, bare, lazy]) => ({
    file,
    target: resolve(file, from ?? bare ?? lazy!),
    typeOnly: type !== undefined,
    lazy: lazy !== undefined,
  }))
}

function resolve(file: string, target: string): string {
  return target.startsWith('.') ? relative(src, join(src, dirname(file), target)) : target
}

/** The module of a file below `src`: its folder, or its own name if it has none. Other names stay as they are. */
function moduleOf(target: string): string {
  return files.includes(target) ? target.split(sep)[0]!.replace(/\.ts$/, '') : target
}

test('each module imports only what it may, types included', () => {
  for (const { file, target } of imports) {
    const importer = moduleOf(file)
    const imported = moduleOf(target)
    assert.ok(allowed[importer], `${file}: add a row for the module ${importer} to the table`)
    assert.ok(
      imported === importer || allowed[importer].includes(imported),
      `${file} imports ${target}, which the table does not allow`,
    )
  }
})

test('there are at most 16 modules, and the table has each of them and no other', () => {
  assert.ok(modules.length <= 16)
  assert.deepEqual([...new Set(files.map(moduleOf))].toSorted(), modules.toSorted())
})

test('the engine imports nothing, not even a type from another module', () => {
  for (const { file, target } of imports.filter(({ file }) => moduleOf(file) === 'protocol'))
    assert.equal(moduleOf(target), 'protocol', `${file} imports ${target}`)
})

test('packages that only some users need are loaded only for them', () => {
  const heavy = imports.filter(({ target, typeOnly }) => /^(@|re2js|prom-client)/.test(target) && !typeOnly)
  assert.ok(heavy.length > 0)
  for (const { file, target, lazy } of heavy) assert.ok(lazy, `${file} imports ${target} at the start`)
})

test('the code of several workers is loaded only if there are several', () => {
  const workers = join('program', 'workers')
  const entries = imports.filter(
    ({ file, target }) =>
      !file.startsWith(workers) && (target === 'node:cluster' || target.startsWith(workers)),
  )
  assert.deepEqual(
    entries.map(({ file, lazy }) => [file, lazy]),
    [['cli.ts', true]],
  )
})

test('no import runs in a circle of files, types included', () => {
  const edges = imports.filter(({ target }) => files.includes(target))
  assert.equal(circleIn(edges.map(({ file, target }) => [file, target])), undefined)
})

test('no import runs in a circle of modules, types included', () => {
  assert.equal(
    circleIn(modules.flatMap(module => neighboursOf(module).map(other => [module, other] as const))),
    undefined,
  )
})

test('ARCHITECTURE.md draws the modules and what they import', () => {
  const { found, right } = printed('ARCHITECTURE.md', 'modules', drawing())
  assert.equal(found, right)
})

test('ARCHITECTURE.md has a row for each module, with what it may import', () => {
  const rows = rowsOf(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'), 'Module')
  const found = rows.map(([module = '', , may = '']) => {
    const names = may.replaceAll('`', '').split(', ')
    return [/src\/([\w-]+)/.exec(module)?.[1], new Set(names.filter(name => name !== 'nothing'))] as const
  })
  const right = modules.map(module => {
    const names = allowed[module]!.filter(name => !name.startsWith('node:'))
    return [
      module,
      new Set(names.map(name => (name.startsWith('@aws-sdk/') ? 'the AWS clients' : name))),
    ] as const
  })
  assert.deepEqual(Object.fromEntries(found), Object.fromEntries(right))
})

/** The first circle of a graph, as `a -> b -> a`. */
function circleIn(edges: readonly (readonly [from: string, to: string])[]): string | undefined {
  const next = new Map<string, Set<string>>()
  for (const [from, to] of edges) next.set(from, (next.get(from) ?? new Set()).add(to))
  const done = new Set<string>()
  const visit = (node: string, path: readonly string[]): string | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node].join(' -> ')
    if (done.has(node)) return undefined
    for (const other of next.get(node) ?? []) {
      const circle = visit(other, [...path, node])
      if (circle !== undefined) return circle
    }
    done.add(node)
    return undefined
  }
  for (const node of next.keys()) {
    const circle = visit(node, [])
    if (circle !== undefined) return circle
  }
  return undefined
}

function neighboursOf(module: string): readonly string[] {
  return allowed[module]!.filter(other => modules.includes(other))
}

/** A Mermaid drawing of the modules. An arrow that follows from others is left out. */
function drawing(): string {
  const reaches = (from: string, to: string): boolean =>
    neighboursOf(from).some(next => next === to || reaches(next, to))
  const arrows = modules.flatMap(module =>
    neighboursOf(module)
      .filter(other => !neighboursOf(module).some(next => next !== other && reaches(next, other)))
      .map(other => `  ${module} --> ${other}`),
  )
  const alone = modules.filter(module => !arrows.some(arrow => arrow.trim().split(' --> ').includes(module)))
  return ['```mermaid', 'flowchart TD', ...arrows, ...alone.map(module => `  ${module}`), '```', ''].join(
    '\n',
  )
}

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { printed, root, rowsOf } from './markdown.ts'

const src = fileURLToPath(new URL('../../src', import.meta.url))

/** What each module may import: other modules, modules of Node.js, packages. Types may come from any module. */
const allowed: Record<string, readonly string[]> = {
  protocol: [],
  support: ['node:fs', 'node:tty'],
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
  config: ['auth', 'relay', 'transport', 'minimist', 'node:fs', 'node:module', 'node:os', 'node:v8'],
  operations: ['auth', 'support', 'node:fs', 'node:http', 'node:net', 'node:stream', 'prom-client'],
  server: ['auth', 'config', 'protocol', 'relay', 'support', 'transport', 'node:crypto', 'node:net'],
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
  index: ['auth', 'config', 'relay', 'server', 'support', 'transport', 'node:net'],
  cli: ['config', 'operations', 'program', 'server', 'support'],
}

interface Import {
  readonly file: string
  readonly target: string
  readonly typeOnly: boolean
  /** It is loaded when it is needed, and not with the module that names it. */
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
    target: from ?? bare ?? lazy!,
    typeOnly: type !== undefined,
    lazy: lazy !== undefined,
  }))
}

const roomOf = (file: string) => file.split(sep)[0]!.replace(/\.ts$/, '')

/** A relative import as a file below src; a module or package as it is. */
function resolve({ file, target }: Import): string {
  return target.startsWith('.') ? relative(src, join(src, dirname(file), target)) : target
}

test('every room imports only what it may', () => {
  for (const { file, target, typeOnly, ...rest } of imports) {
    const room = roomOf(file)
    const known = allowed[room]
    assert.ok(known, `${file}: the room ${room} has no row in the table`)
    const entered = target.startsWith('.') ? roomOf(resolve({ file, target, typeOnly, ...rest })) : target
    const free = entered === room || (typeOnly && target.startsWith('.'))
    assert.ok(free || known.includes(entered), `${file} imports ${target}`)
  }
})

test('the engine imports nothing, not even a type from outside its room', () => {
  for (const entry of imports.filter(({ file }) => roomOf(file) === 'protocol')) {
    assert.equal(roomOf(resolve(entry)), 'protocol', `${entry.file} imports ${entry.target}`)
  }
})

test('what only some users need is loaded only for them', () => {
  const heavy = imports.filter(({ target, typeOnly }) => /^(@|re2js|prom-client)/.test(target) && !typeOnly)
  assert.ok(heavy.length > 0)
  for (const { file, target, lazy } of heavy) assert.ok(lazy, `${file} imports ${target} at once`)
})

test('what several workers need is loaded only where there are several', () => {
  const doors = imports.filter(entry => {
    const workers = join('program', 'workers')
    const inside = entry.file.startsWith(workers)
    return !inside && (entry.target === 'node:cluster' || resolve(entry).startsWith(workers))
  })
  assert.deepEqual(
    doors.map(({ file, lazy }) => [file, lazy]),
    [['cli.ts', true]],
  )
})

test('no import runs in a circle', () => {
  const edges = new Map<string, string[]>()
  for (const entry of imports) {
    if (entry.typeOnly || !entry.target.startsWith('.')) continue
    edges.set(entry.file, [...(edges.get(entry.file) ?? []), resolve(entry)])
  }
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), `a circle: ${[...path, file].join(' -> ')}`)
    for (const next of edges.get(file) ?? []) visit(next, [...path, file])
  }
  for (const file of edges.keys()) visit(file, [])
})

test('ARCHITECTURE.md draws the rooms and their arrows', () => {
  const { found, right } = printed('ARCHITECTURE.md', 'rooms', drawing())
  assert.equal(found, right)
})

test('ARCHITECTURE.md has a row for every room, and says who may enter it', () => {
  const rows = rowsOf(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'), 'Room')
  const told = rows.map(([room = '', , may = '']) => {
    const named = may.replaceAll('`', '').split(', ')
    return [/src\/([\w-]+)/.exec(room)?.[1], named.filter(name => !/^nothing|^types only|^node:/.test(name))]
  })
  const right = Object.entries(allowed).map(([room, may]) => [
    room,
    may
      .filter(name => !name.startsWith('node:'))
      .map(name => (name.startsWith('@aws-sdk/') ? 'the AWS clients' : name)),
  ])
  const sets = (rows: unknown[][]) =>
    Object.fromEntries(rows.map(([room, may]) => [room, new Set(may as string[])]))
  assert.deepEqual(sets(told), sets(right))
})

/** The rooms as a drawing of Mermaid. An arrow that follows from others is left out. */
function drawing(): string {
  const rooms = Object.keys(allowed)
  const enters = (room: string) => (allowed[room] ?? []).filter(other => rooms.includes(other))
  const reaches = (from: string, to: string): boolean =>
    enters(from).some(next => next === to || reaches(next, to))
  const arrows = rooms.flatMap(room =>
    enters(room)
      .filter(other => !enters(room).some(next => next !== other && reaches(next, other)))
      .map(other => `  ${room} --> ${other}`),
  )
  const alone = rooms.filter(room => !arrows.some(arrow => arrow.trim().split(' --> ').includes(room)))
  return ['```mermaid', 'flowchart TD', ...arrows, ...alone.map(room => `  ${room}`), '```', ''].join('\n')
}

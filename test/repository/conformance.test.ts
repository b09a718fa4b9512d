/** Checks docs/conformance.md: every proof exists, and no transcript is left out. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { names, optionOf } from '../../src/config/option.ts'
import { defaultLimits } from '../../src/protocol/index.ts'
import { memoryLimits } from '../../src/relay/index.ts'
import { defaultConnectionLimits, defaultTimeouts } from '../../src/transport/index.ts'
import { everyReply } from './every-reply.ts'
import { expectTests, testsNamedIn } from './proofs.ts'

const docs = new URL('../../docs/', import.meta.url)
const page = readFileSync(new URL('conformance.md', docs), 'utf8')
const tables = readTables(page)
const behaviours = rowsOf('ID', 'What this server does', 'Source', 'Proof')
const limits = rowsOf('Limit', 'Default', 'Unit', 'Option', 'Beyond it')
const proofs = behaviours.map(row => row.at(-1)!)

test('each behaviour has an ID of its own, with the prefix of its section', () => {
  const ids = behaviours.map(([id]) => id!)
  assert.ok(ids.length > 300)
  assert.deepEqual(
    ids.filter((id, index) => !/^[A-Z][A-Z0-9]*-\d{2,}$/.test(id) || ids.indexOf(id) !== index),
    [],
  )
  // A prefix belongs to one section.
  const prefixes = tables.flatMap(({ columns, rows }) =>
    columns[0] === 'ID' ? [...new Set(rows.map(([id]) => id!.replace(/-\d+$/, '')))] : [],
  )
  assert.deepEqual(prefixes.toSorted(), [...new Set(prefixes)].toSorted())
})

test('each behaviour is described, and names its source', () => {
  for (const row of behaviours) {
    const [what = '', source = ''] = row.slice(-3)
    assert.ok(what.length > 8, row.join())
    assert.match(source, /^(RFC \d{4}|hardening|PROXY protocol §|draft-)/, row.join())
  }
})

test('each behaviour has a proof or a sentence', () => {
  for (const proof of proofs) {
    const sentence = proof.replace(/\[[^\]]*\]\([^)]*\)/g, '')
    assert.ok(/\]\(\.\.\/(fixtures|test)\//.test(proof) || /\w{2}.{15,}\.$/.test(sentence), proof)
  }
})

test('every file that the page links to exists', () => {
  const targets = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target!)
  assert.ok(targets.length > 300)
  for (const target of targets) assert.ok(existsSync(new URL(target, docs)), target)
  for (const [, label, path] of page.matchAll(
    /\[([^\]]+)\]\(\.\.\/(?:fixtures|test)\/(.+?)(?:\.smtp|\.test\.ts)\)/g,
  ))
    assert.equal(label, path)
})

test('every test that the page names exists in its file', () => {
  const named = proofs.flatMap(proof => testsNamedIn(proof, '../'))
  assert.ok(named.reduce((sum, proof) => sum + expectTests(proof), 0) > 100)
})

test('every transcript is the proof of something', () => {
  const files = readdirSync(new URL('../../fixtures/', import.meta.url), {
    recursive: true,
    encoding: 'utf8',
  })
  const unnamed = files.filter(
    file => file.endsWith('.smtp') && !proofs.some(proof => proof.includes(`(../fixtures/${file})`)),
  )
  assert.deepEqual(unnamed, [])
})

test('the limits are those in the code, all of them', () => {
  const inCode = { ...defaultLimits, ...defaultTimeouts, ...defaultConnectionLimits, ...memoryLimits }
  const named = limits.flatMap(([limit = '', value = '']) => {
    const [, name] = /^`(\w+)`$/.exec(limit) ?? []
    return name === undefined ? [] : [[name, value] as const]
  })
  const expected = Object.entries(inCode).map(([name, value]) => [
    name,
    Number.isFinite(value) ? String(value) : 'none',
  ])
  assert.deepEqual(named.toSorted(), expected.toSorted())
})

test('the comment on a limit has its default', () => {
  const inCode = { ...defaultLimits, ...defaultTimeouts, ...defaultConnectionLimits }
  const files = ['protocol/settings.ts', 'transport/timeouts.ts', 'transport/connections.ts']
  const source = files
    .map(file => readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8'))
    .join('\n')
  const comments = source.matchAll(/Default:[\s*]+([\d,]+|unlimited)\.\s*\*\/\n {2}readonly (\w+): number/g)
  assert.deepEqual(
    Object.fromEntries(
      [...comments].map(([, value, name]) => [
        name,
        value === 'unlimited' ? Infinity : Number(value!.replaceAll(',', '')),
      ]),
    ),
    inCode,
  )
})

test('the default of a limit with an option is that of the option', () => {
  let looked = 0
  for (const [limit = '', value, unit = '', option = ''] of limits) {
    if (option === '') continue
    const name = names.find(name => option === `\`--${name}\``)
    assert.ok(name !== undefined, option)
    const { defaultValue } = optionOf(name)
    // The default depends on the backend or on the number of workers.
    if (defaultValue === undefined) continue
    const inUnit = Number(defaultValue) * (unit.startsWith('ms ') ? 1000 : 1)
    assert.equal(inUnit === 0 ? 'none' : String(inUnit), value, limit)
    looked++
  }
  assert.ok(looked > 8)
})

test('the replies beyond a limit are replies of the program', () => {
  const known = new Set(everyReply().map(({ code, status }) => `${code} ${status}`))
  for (const [limit = '', , , , outcome = ''] of limits)
    for (const [, pair] of outcome.matchAll(/`(\d{3} [^`]+)`/g)) assert.ok(known.has(pair!), limit)
})

function rowsOf(...columns: readonly string[]): readonly (readonly string[])[] {
  const found = tables.filter(table => table.columns.join() === columns.join())
  assert.ok(found.length > 0, `there is no table ${columns.join()}`)
  return found.flatMap(({ rows }) => rows)
}

function readTables(markdown: string) {
  return (markdown.match(/^\|.*\n\| ---.*\n(\|.*\n)*/gm) ?? []).map(lines => {
    const [columns = [], , ...rows] = lines
      .trimEnd()
      .split('\n')
      .map(line =>
        line
          .slice(1, -1)
          .split('|')
          .map(cell => cell.trim()),
      )
    for (const row of rows) assert.equal(row.length, columns.length, row.join())
    return { columns, rows }
  })
}

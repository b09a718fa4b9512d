/** What docs/migrating.md says of flags, variables, replies and the start is held against the program. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { names, optionOf, secretVariables, variableOf } from '../../src/config/option.ts'
import type { Reply } from '../../src/protocol/index.ts'
import { run } from '../support/relay-process.ts'
import { everyReply } from './every-reply.ts'

const page = readFileSync(new URL('../../docs/migrating.md', import.meta.url), 'utf8')

interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const text = page.replace(/^```.*?^```$/gms, '')
const tables = readTables(text)
/** All that the page says of this program in code: not what stands in the columns of the others. */
const own = [
  ...text.split('\n').filter(line => !line.startsWith('|')),
  ...tables.flatMap(({ columns, rows }) =>
    rows.flatMap(row =>
      row.filter((_, i) => !['Go program', 'The fork', 'Started with'].includes(columns[i]!)),
    ),
  ),
].flatMap(spans)

const shorts = new Map(names.map(name => [optionOf(name).short, name]))
const variables = new Set<string | undefined>([...names.map(variableOf), ...Object.keys(secretVariables)])

test('every flag of the Go program is on the page and here, under the same letter', () => {
  const { rows } = tableOf('Go program', 'Here', 'Variable', 'What differs')
  const here = rows.map(row => row.slice(0, 3))
  const expected = [...'anhcktsreiuld'].map(letter => {
    const name = shorts.get(letter)
    assert.ok(name !== undefined, `there is no -${letter}`)
    return [`\`-${letter}\``, `\`-${letter}\` \`--${name}\``, `\`${variableOf(name)}\``]
  })
  assert.deepEqual(here.toSorted(), expected.toSorted())
})

test('the variables of the Go program are on the page', () => {
  const { rows } = tableOf('Go program', 'Here', 'What differs')
  const theirs = new Set(rows.flatMap(([left = '']) => spans(left)))
  for (const name of ['BCRYPT_HASH', 'PASSWORD', 'TLS_KEY_PASS', 'AWS_REGION'])
    assert.ok(theirs.has(name), name)
})

test('the letters of the fork mean here what they mean there', () => {
  const { rows } = tableOf('The fork', 'Here', 'What differs')
  for (const [letter, name] of Object.entries({ o: 'source-arn', f: 'from-arn', p: 'return-path-arn' })) {
    assert.equal(shorts.get(letter), name)
    assert.ok(
      rows.some(([, here]) => here === `\`-${letter}\` \`--${name}\``),
      letter,
    )
  }
})

test('every option that the page names exists', () => {
  const named = own
    .filter(span => span.startsWith('-'))
    .flatMap(span => span.match(/(?<!\w)--?[a-z][\w-]*/g) ?? [])
  assert.ok(named.length > 40)
  for (const flag of named) {
    const name = flag.replace(/^--?/, '')
    assert.ok(shorts.has(name) || names.some(known => known === name), flag)
  }
})

test('every variable that the page names is read, if it is not for AWS to read', () => {
  const named = own.filter(span => /^[A-Z]+(_[A-Z]+)+(=|$)/.test(span)).map(span => span.split('=', 1)[0]!)
  assert.ok(named.length > 15)
  for (const name of named) assert.ok(name.startsWith('AWS_') || variables.has(name), name)
})

test('every reply that the page names is one of the program', () => {
  const known = new Set(everyReply().flatMap(reply => [full(reply), full({ ...reply, text: '' })]))
  const named = own.filter(span => /^[2-5]\d\d /.test(span))
  assert.ok(named.length > 30)
  for (const reply of named) assert.ok(known.has(placeholders(reply)), reply)
})

test('every message that the page quotes stands in the source', () => {
  const folder = new URL('../../src/', import.meta.url)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(path =>
    path.endsWith('.ts'),
  )
  const source = files.map(path => readFileSync(new URL(path, folder), 'utf8')).join('')
  const named = own.filter(span => /^(tls|denied \w+|MissingRegion): /.test(span))
  assert.ok(named.length > 5)
  for (const message of named) assert.ok(source.includes(`'${message}'`), message)
})

const starts = tableOf('Started with', 'Go program', 'Here').rows.flatMap(([left = '', , here = '']) => {
  const [args, ...more] = spans(left)
  const [, code] = /^exit (\d), /.exec(here) ?? []
  return args !== undefined && more.length === 0 && code !== undefined
    ? [{ args, code: Number(code), message: spans(here)[0] }]
    : []
})

test('what the page says of the start is what happens', async t => {
  assert.ok(starts.length > 12)
  for (const { args, code, message } of starts) {
    await t.test(args, async () => {
      const { code: exit, stdout, stderr } = await run(args.split(' '))
      assert.equal(stderr.split('\n')[0], message)
      assert.deepEqual([exit, stdout], [code, ''])
    })
  }
})

function tableOf(...columns: readonly string[]): Table {
  const found = tables.find(table => table.columns.join() === columns.join())
  assert.ok(found !== undefined, `there is no table ${columns.join()}`)
  return found
}

function readTables(markdown: string): readonly Table[] {
  return (markdown.match(/^\|.*\n\| ---.*\n(\|.*\n)*/gm) ?? []).map(lines => {
    const [columns = [], , ...rows] = lines.trimEnd().split('\n').map(cells)
    for (const row of rows) assert.equal(row.length, columns.length, row.join())
    return { columns, rows }
  })
}

function cells(line: string): readonly string[] {
  return line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map(cell => cell.trim())
}

/** The code spans of a line or a cell. */
function spans(markdown: string): readonly string[] {
  return [...markdown.matchAll(/(`+)(.+?)\1(?!`)/g)].map(([, , code]) => code!.trim())
}

function full({ code, status, text }: Reply): string {
  return placeholders([code, status, text].filter(part => part !== undefined).join(' '))
}

/** H, A, N and NAME stand for what depends on the moment. */
function placeholders(reply: string): string {
  return reply.replace(/\b(H|A|N|NAME)\b/g, '*').trim()
}

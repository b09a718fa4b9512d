// @ts-check
/**
 * Counts what makes it hard to find things in `src`: loose files, short files, names that are declared more than once,
 * circles of imports, private metaphors in names.
 *
 *     node scripts/structure.mjs [FOLDER]    FOLDER: another checkout (default: this one)
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const src = join(process.argv[2] ?? new URL('..', import.meta.url).pathname, 'src')
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
const sources = new Map(files.map(file => [file, readFileSync(join(src, file), 'utf8')]))

/** Metaphors that the field does not use, as parts of names in camel case. */
const privateWords = new Set(
  `agenda audience cargo cast chronicle complaint conduct conductor courier crew cue demands dial dials dialogue ears errand
  farewell forsake gatekeeper halt heard house introduced introduction journey manner manners meaning nobodys obey
  objection obstacle obstacles office overview passage patience problem rehearse rooms scene seat settle settled
  sight stage standing stray strays stretches suspect told trial visible wanted watcher way welcome wish witness world`.split(
    /\s+/,
  ),
)

/** @type {Map<string, string[]>} */
const declared = new Map()
/** @type {Map<string, Map<string, number>>} */
const words = new Map()
/** @type {Map<string, string[]>} */
const imports = new Map()
for (const [file, text] of sources) {
  for (const [, name = ''] of text.matchAll(
    /^(?:export )?(?:abstract )?(?:interface|type|class|enum) (\w+)/gm,
  ))
    declared.set(name, [...(declared.get(name) ?? []), file])
  for (const [, name = ''] of text.matchAll(/^export (?:async )?(?:function|const) (\w+)/gm))
    declared.set(name, [...(declared.get(name) ?? []), file])
  const targets = [...text.matchAll(/(?:from|import) ?\(?'(\.[^']+)'/g)].map(([, target = '']) =>
    join(dirname(file), target),
  )
  imports.set(file, targets)
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$|'(?:[^'\\\n]|\\.)*'|`[^`]*`/gm, ' ')
  for (const [name] of code.matchAll(/\b(?!allSettled\b)[A-Za-z_]\w*/g))
    for (const part of name.split(/(?=[A-Z])|_/).map(part => part.toLowerCase()))
      if (privateWords.has(part)) {
        const names = words.get(part) ?? new Map()
        words.set(part, names.set(name, (names.get(name) ?? 0) + 1))
      }
}

const twice = [...declared].filter(([, places]) => places.length > 1)
const loose = files.filter(file => !file.includes('/'))
const short = files.filter(file => (sources.get(file) ?? '').split('\n').length <= 30)
const modules = new Map()
for (const [file, targets] of imports)
  modules.set(moduleOf(file), [...(modules.get(moduleOf(file)) ?? []), ...targets.map(moduleOf)])

print('files', files.length)
print('loose files in src', loose.length, loose.join(' '))
print('files of 30 lines or fewer', short.length)
print(
  'names declared more than once',
  twice.length,
  twice.map(([name, at]) => `${name} (${at.join(', ')})`).join('; '),
)
print('groups of files whose imports run in circles, types included', ...circlesOf(imports))
print('groups of modules whose imports run in circles, types included', ...circlesOf(modules))
print(
  'private words in names',
  words.size,
  [...words].map(([word, names]) => `${word}: ${[...names.keys()].join(' ')}`).join('; '),
)

/** @param {string} what @param {number} count */
function print(what, count, details = '') {
  console.log(`${String(count).padStart(4)}  ${what}${details === '' ? '' : `: ${details}`}`)
}

/** @param {string} file */
function moduleOf(file) {
  return (file.split('/')[0] ?? '').replace(/\.ts$/, '')
}

/**
 * Tarjan's strongly connected components of more than one node.
 * @param {Map<string, string[]>} graph
 * @returns {[count: number, details: string]}
 */
function circlesOf(graph) {
  /** @type {Map<string, number>} */
  const index = new Map()
  /** @type {Map<string, number>} */
  const low = new Map()
  /** @type {string[]} */
  const stack = []
  /** @type {string[][]} */
  const found = []
  /** @param {string} node */
  const visit = node => {
    index.set(node, index.size)
    low.set(node, index.size - 1)
    stack.push(node)
    for (const next of graph.get(node) ?? []) {
      if (next === node) continue
      if (!index.has(next)) visit(next)
      if (stack.includes(next)) low.set(node, Math.min(low.get(node) ?? 0, low.get(next) ?? 0))
    }
    if (low.get(node) !== index.get(node)) return
    const group = stack.splice(stack.indexOf(node))
    if (group.length > 1) found.push(group)
  }
  for (const node of graph.keys()) if (!index.has(node)) visit(node)
  return [found.length, found.map(group => group.join(' <-> ')).join('; ')]
}

/** Every page of the repository is held to it: links lead somewhere, and commands, files and options exist. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { names, optionOf, secretVariables, variableOf } from '../../src/config/option.ts'
import { root } from './markdown.ts'

/** Folders of others, and what is made. */
const passedOver = /^(node_modules|dist|coverage|maildir|api|\.git|\.mutants)$/
const pages = pagesIn('')
const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: object }
/** Folders of the repository that a page may name a file in. */
const named =
  /(?<![\w/.@-])((?:src|test|docs|bench|scripts|fixtures|deploy|examples)\/[\w./-]*\w\.(?:[cm]?[jt]s|sh|md|smtp|json|ya?ml|html|env|service))\b/g
/** Made by a command, so that it need not be there. */
const made = 'docs/api/index.html'
/** It tells of files of other repositories. */
const ofOthers = 'docs/comparison.md'
const options = new Set<string | undefined>([...names, ...names.map(name => optionOf(name).short)])
const variables = new Set<string | undefined>([...names.map(variableOf), ...Object.keys(secretVariables)])
/** Pages on which an option that stands alone is one of the program, and the others of which they tell. */
const pagesOfOptions = [
  'README.md',
  'SECURITY.md',
  'docs/options.md',
  'docs/replies.md',
  'docs/running.md',
  'docs/comparison.md',
]
const optionsOfOthers = new Set(['stop-timeout', 'init'])

test('there are pages', () => {
  for (const page of ['README.md', 'SECURITY.md', 'docs/replies.md', 'deploy/README.md'])
    assert.ok(pages.includes(page))
})

for (const page of pages) {
  const text = readFileSync(root + page, 'utf8')
  const prose = text.replace(/^ *```.*?^ *```$/gms, '')

  test(`${page}: every link leads somewhere`, () => {
    for (const [, link] of prose.replace(/`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https:/.test(link!)) continue
      const [file = '', anchor] = link!.split('#')
      const target = file === '' ? root + page : join(root, dirname(page), file)
      assert.ok(existsSync(target), link)
      if (anchor !== undefined) assert.ok(anchorsOf(readFileSync(target, 'utf8')).has(anchor), link)
    }
  })

  test(`${page}: every file and every command of npm that it names exists`, () => {
    for (const [, script] of text.matchAll(/\bnpm run (?:--silent )?([\w:-]+)/g))
      assert.ok(script! in scripts, script)
    if (page === ofOthers) return
    for (const [, path] of text.matchAll(named)) {
      const beside = join(root, dirname(page), path!)
      assert.ok(path === made || existsSync(root + path) || existsSync(beside), path)
    }
  })

  test(`${page}: every variable of the program that it names exists`, () => {
    for (const [variable] of text.matchAll(/\bSMTP_RELAY_[A-Z_]*[A-Z]/g))
      assert.ok(variables.has(variable), variable)
  })
}

for (const page of pagesOfOptions) {
  test(`${page}: every option that it names exists`, () => {
    const spans = [...readFileSync(root + page, 'utf8').matchAll(/`(--?[a-z][^`]*)`/g)].map(
      ([, span]) => span!,
    )
    assert.ok(spans.length > 0)
    for (const span of spans) {
      for (const [, flag] of span.matchAll(/(?:^| )--?([a-z][\w-]*)/g))
        assert.ok(options.has(flag) || optionsOfOthers.has(flag!), span)
    }
  })
}

function pagesIn(folder: string): readonly string[] {
  return readdirSync(root + folder, { withFileTypes: true }).flatMap(entry => {
    if (passedOver.test(entry.name)) return []
    if (entry.isDirectory()) return pagesIn(`${folder}${entry.name}/`)
    return entry.name.endsWith('.md') ? [folder + entry.name] : []
  })
}

/** The names of a page's headings, as they are made where repositories are shown. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const [, heading] of markdown.replace(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm)) {
    const anchor = heading!
      .replace(/\]\([^)]*\)/g, '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-')
    let name = anchor
    for (let again = 1; anchors.has(name); again++) name = `${anchor}-${again}`
    anchors.add(name)
  }
  return anchors
}

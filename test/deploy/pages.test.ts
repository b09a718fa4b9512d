/** deploy/README.md and docs/scaling.md agree with the program and the files. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { names, optionOf } from '../../src/config/option.ts'
import { documentsOf, paths, type Tree } from './files.ts'
import { metrics } from './metrics.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const pages = ['deploy/README.md', 'docs/scaling.md'].map(path => ({
  path,
  text: readFileSync(root + path, 'utf8'),
}))
const known = new Set<string | undefined>([...names, ...names.map(name => optionOf(name).short)])

for (const { path, text } of pages) {
  const prose = text.replace(/^```.*?^```$/gms, '')

  test(`${path}: every option and metric that it names exists`, () => {
    const spans = [...prose.matchAll(/`([^`]+)`/g)].map(([, span]) => span!)
    const flags = spans.filter(span => span.startsWith('-')).map(span => /^--?([\w-]+)/.exec(span)![1]!)
    assert.ok(flags.length > 10)
    for (const flag of flags) assert.ok(known.has(flag), flag)
    for (const [metric] of prose.matchAll(/\baws_smtp_relay_\w+/g)) assert.ok(metrics.has(metric), metric)
  })
}

test('every folder of deploy is in the table of its README', () => {
  const { text } = pages[0]!
  for (const folder of new Set(paths.filter(path => path.includes('/')).map(path => path.split('/')[0]))) {
    assert.match(text, new RegExp(`\\]\\(${folder}/`))
  }
})

test('a role has the permissions that the README lists for its backend, on what it sends with, and may read the quota', () => {
  const readme = readFileSync(`${root}README.md`, 'utf8')
  const asks: Readonly<Record<string, string>> = { ses: 'ses:GetSendQuota', sesv2: 'ses:GetAccount' }
  for (const relay of ['ses', 'sesv2', 'pinpoint']) {
    const [, permission = ''] = new RegExp(`^\\| \`${relay}\` \\|[^|]*\\|([^|]*)\\|`, 'm').exec(readme) ?? []
    const [send, quota]: readonly Tree[] = documentsOf(`iam/${relay}.json`)[0].Statement
    assert.deepEqual(
      [send.Action].flat(),
      [...permission.matchAll(/`([^`]+)`/g)].map(([, action]) => action),
    )
    for (const one of [send.Resource].flat()) assert.match(one, /^arn:aws:[a-z]+:eu-west-1:123456789012:\w/)
    assert.equal(quota?.Action, asks[relay])
  }
})

/** Checks that each claim in SECURITY.md has a proof, and that every proof exists. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { root, rowsOf } from './markdown.ts'
import { expectTests, testsNamedIn } from './proofs.ts'

const claims = rowsOf(readFileSync(`${root}SECURITY.md`, 'utf8'), 'Against')

test('each claim has a proof', () => {
  assert.ok(claims.length > 15)
  for (const [against, done = '', proof = ''] of claims) {
    assert.ok(done.length > 20, against)
    assert.match(proof, /\]\((fixtures|test|src)\//, against)
  }
})

test('every proof exists', () => {
  for (const [, , proof = ''] of claims) {
    for (const [, path] of proof.matchAll(/\]\(([^)]+)\)/g)) assert.ok(existsSync(root + path), path)
    for (const named of testsNamedIn(proof, '')) assert.ok(expectTests(named) > 0)
  }
})

test('the label of a transcript is its path', () => {
  for (const [, , proof = ''] of claims)
    for (const [, label, path] of proof.matchAll(/\[([^\]]+)\]\(fixtures\/(.+?)\.smtp\)/g))
      assert.equal(label, path)
})

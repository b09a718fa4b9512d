import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const program = fileURLToPath(new URL('random-sessions.ts', import.meta.url))

test('replies and messages are those of the engine, with any timing of bytes, reads and answers', async t => {
  const run = promisify(execFile)(process.execPath, ['--import', 'tsx', program], { timeout: 120_000 })
  const { stdout, stderr } = await run
  assert.equal(stderr, '')
  const counts = JSON.parse(stdout)
  assert.ok(counts.cases >= 20 && counts.messages > 0, stdout)
  t.diagnostic(stdout.trim())
})

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a script as npm does, for at most twenty seconds. */
function run(file: string, ...given: string[]): Promise<Run> {
  return new Promise(resolve => {
    const words = ['--import', 'tsx', file, ...given]
    execFile(process.execPath, words, { cwd: root, timeout: 20_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

const scripts = [
  { name: 'bench', file: 'bench/run.ts', wrong: [] },
  {
    name: 'fuzz',
    file: 'test/fuzz/run.ts',
    wrong: [
      ['--minutes', 'ten', '--minutes ten: not a number above 0'],
      ['--seed', '-1', "Option '--seed' argument is ambiguous"],
      ['--seed', '1.5', '--seed 1.5: not a whole number from 0 on'],
    ],
  },
  {
    name: 'soak',
    file: 'test/soak/run.ts',
    wrong: [
      ['--clients', '0', '--clients 0: not a whole number from 1 on'],
      ['--profile', 'wild', '--profile wild: not one of faulty, calm, restarts'],
    ],
  },
  {
    name: 'siege',
    file: 'test/siege/run.ts',
    wrong: [
      ['--connections', '0', '--connections 0: not a whole number from 1 on'],
      ['--memory-limit', 'much', '--memory-limit much: not a whole number from 1 on'],
    ],
  },
  { name: 'send', file: 'scripts/send.ts', wrong: [['--from', 'a@example.org', '--to is missing']] },
] as const

for (const { name, file, wrong } of scripts) {
  test(`npm run ${name}: --help says how it is used, and what is wrong is said before that`, async () => {
    const [help, unknown, ...others] = await Promise.all([
      run(file, '--help'),
      run(file, '--nonsense\u001b[2J'),
      ...wrong.map(([option, value]) => run(file, option, value)),
    ])
    assert.equal(help.code, 0)
    assert.ok(help.stdout.startsWith(`Usage: npm run ${name} -- `), help.stdout)
    assert.equal(help.stderr, '')
    assert.equal(unknown.code, 2)
    assert.match(unknown.stderr, /--nonsense/)
    assert.ok(unknown.stderr.endsWith(`\n\n${help.stdout}`), unknown.stderr)
    assert.doesNotMatch(unknown.stderr, /\u001b/)
    for (const [i, { code, stderr }] of others.entries()) {
      assert.equal(code, 2, stderr)
      assert.ok(stderr.startsWith(wrong[i]![2]), stderr)
    }
  })
}

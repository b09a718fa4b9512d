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

/** Runs a script like npm, for at most 20 seconds. */
function run(file: string, ...given: string[]): Promise<Run> {
  return new Promise(resolve => {
    const args = ['--import', 'tsx', file, ...given]
    execFile(process.execPath, args, { cwd: root, timeout: 20_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

const scripts = [
  { name: 'bench', file: 'bench/run.ts', mistakes: [] },
  {
    name: 'fuzz',
    file: 'test/fuzz/run.ts',
    mistakes: [
      ['--minutes', 'ten', '--minutes ten: must be a number above 0'],
      ['--seed', '-1', "Option '--seed' argument is ambiguous"],
      ['--seed', '1.5', '--seed 1.5: must be a whole number of at least 0'],
    ],
  },
  {
    name: 'soak',
    file: 'test/soak/run.ts',
    mistakes: [
      ['--clients', '0', '--clients 0: must be a whole number of at least 1'],
      ['--profile', 'wild', '--profile wild: not one of faulty, calm, restarts'],
    ],
  },
  {
    name: 'siege',
    file: 'test/siege/run.ts',
    mistakes: [
      ['--connections', '0', '--connections 0: must be a whole number of at least 1'],
      ['--memory-limit', 'much', '--memory-limit much: must be a whole number of at least 1'],
    ],
  },
  { name: 'send', file: 'scripts/send.ts', mistakes: [['--from', 'a@example.org', '--to is missing']] },
] as const

for (const { name, file, mistakes } of scripts) {
  test(`npm run ${name}: --help prints the usage, and a mistake is reported before it`, async () => {
    const [help, unknown, ...others] = await Promise.all([
      run(file, '--help'),
      run(file, '--nonsense\u001b[2J'),
      ...mistakes.map(([option, value]) => run(file, option, value)),
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
      assert.ok(stderr.startsWith(mistakes[i]![2]), stderr)
    }
  })
}

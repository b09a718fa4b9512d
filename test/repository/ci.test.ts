import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'

// The GitHub workflow and the script for a local machine run the same checks.

interface Job {
  readonly 'runs-on': string
  readonly 'timeout-minutes': number
  readonly permissions?: unknown
  readonly strategy?: {
    readonly matrix: {
      readonly node?: readonly number[]
      readonly runner?: readonly string[]
      readonly include?: readonly { readonly script: string }[]
    }
  }
  readonly steps: readonly { readonly uses?: string; readonly run?: string }[]
}

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const text = read('.github/workflows/ci.yml')
const workflow = parse(text) as { readonly permissions: unknown; readonly jobs: Record<string, Job> }
const script = read('.ci/run')
const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Record<string, string> }
const jobs = Object.values(workflow.jobs)
const platforms = ['ubuntu-24.04', 'ubuntu-24.04-arm']

/** Returns the commands of a job, with `npm run ${{ matrix.script }}` once for each script. */
function commandsOf({ steps, strategy }: Job): readonly string[] {
  const chosen = strategy?.matrix.include ?? []
  return steps
    .flatMap(({ run }) => run ?? [])
    .flatMap(run => {
      const places = chosen.map(({ script }) => run.replace(/\$\{\{ matrix\.script \}\}/, script))
      return run.includes('matrix.script') ? places : [run]
    })
}

const scriptsIn = (commands: string) =>
  [...commands.matchAll(/\bnpm (?:run (?:--silent )?([a-z]+)|(test)\b)/g)].map(
    ([, run, test]) => run ?? test!,
  )

test('every npm script that the workflow and .ci/run call exists', () => {
  const called = [...jobs.flatMap(commandsOf), script].flatMap(scriptsIn)
  for (const name of ['check', 'test', 'coverage', 'mutants', 'fuzz', 'soak', 'siege', 'bench'])
    assert.ok(called.includes(name), `nobody calls ${name}`)
  for (const name of called) assert.ok(scripts[name] !== undefined, `there is no script ${name}`)
})

test('the workflow runs all checks of .ci/run', () => {
  const daily = jobs.filter(({ strategy }) => strategy?.matrix.include === undefined).flatMap(commandsOf)
  for (const name of scriptsIn(script)) assert.ok(daily.flatMap(scriptsIn).includes(name), name)
  const packages = /--no-install-recommends[\s\\]+([a-z0-9 -]+)/
  assert.equal(packages.exec(daily.join('\n'))![1]!.trim(), packages.exec(script)![1]!.trim())
})

test('both run the tests with the same releases of Node.js', () => {
  const releases = /^for release in ([\d ]+); do$/m.exec(script)![1]!.split(' ').map(Number)
  assert.deepEqual(workflow.jobs.test!.strategy!.matrix.node, releases)
})

test('tests run and images are built on amd64 and arm64', () => {
  for (const name of ['test', 'image']) {
    const { 'runs-on': runner, strategy } = workflow.jobs[name]!
    assert.match(runner, /^\$\{\{ matrix\.runner \}\}$/)
    assert.deepEqual(strategy!.matrix.runner, platforms)
  }
  assert.ok(commandsOf(workflow.jobs.image!).some(command => command.startsWith('docker build ')))
  assert.doesNotMatch(text, /docker (push|login)|--push/)
})

test('the workflow has only read access, every job has a timeout, and every action is pinned to a commit', () => {
  assert.deepEqual(workflow.permissions, { contents: 'read' })
  for (const { permissions, 'timeout-minutes': minutes } of jobs) {
    assert.equal(permissions, undefined)
    assert.ok(minutes <= 60)
  }
  const used = text.match(/uses: .*/g)!
  for (const line of used) assert.match(line, /^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  // A title or branch name in a command could be run as a command.
  for (const command of jobs.flatMap(commandsOf)) assert.doesNotMatch(command, /\$\{\{\s*github/)
  assert.doesNotMatch(text, /pull_request_target|secrets\./)
})

/**
 * Where does the time go? The program bears a load while its CPU is profiled; the shares of the rooms and packages are
 * printed, then those of the functions. Needs a build.
 *
 *     node --import tsx bench/profile.ts [SUBJECT] [LOAD]
 *
 * SUBJECT and LOAD as in `subjects.ts` and `loads.ts`: ses and kept, unless they are given.
 */
import { fileURLToPath } from 'node:url'
import { type LoadName, loadNames, loads } from './loads.ts'
import { type SesSink, startSesSink } from './ses-sink.ts'
import { type SubjectName, sendsOn, startSubject, subjectNames, titleOf } from './subjects.ts'
import { table } from './table.ts'

/** A CPU profile of V8: what was running at each sample, and for how long. */
export interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

/** Whose time: a room of this program, a package, or Node.js itself. */
const owners = [/\/node_modules\/((?:@[^/]+\/)?[^/]+)/, /\/dist\/([^/]+)/, /^(node:\w+)/] as const
const seconds = 8
const rows = 25

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()

async function main(): Promise<void> {
  const [, , subject = 'ses', load = 'kept'] = process.argv
  if (!isOneOf(subjectNames, subject) || !isOneOf(loadNames, load)) {
    console.error(`SUBJECT: ${subjectNames.join(', ')}; LOAD: ${loadNames.join(', ')}`)
    process.exit(2)
  }
  const sink = sendsOn(subject) ? await startSesSink() : undefined
  console.log(`${titleOf(subject)}; ${loads[load].title}; Node.js ${process.version}\n`)
  print(await take(subject, load, sink))
  await sink?.stop()
}

async function take(name: SubjectName, load: LoadName, sink: SesSink | undefined): Promise<Profile> {
  const subject = await startSubject(name, sink?.port)
  // What is compiled on its first calls is no part of what a mail costs.
  await subject.bear(loads[load], seconds / 2)
  const profile = await subject.profile(() => subject.bear(loads[load], seconds))
  await subject.stop()
  return profile
}

function print({ nodes, samples, timeDeltas }: Profile): void {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const byOwner = new Map<string, number>()
  const byFunction = new Map<string, number>()
  let all = 0
  for (const [i, id] of samples.entries()) {
    const { functionName, url, lineNumber } = frames.get(id)!
    if (functionName === '(idle)') continue
    const time = timeDeltas[i]!
    const owner = owners.map(pattern => pattern.exec(url)?.[1]).find(found => found !== undefined)
    const native = owner ?? (functionName.startsWith('(') ? functionName : 'system calls, native code')
    const place = url === '' ? '' : ` ${url.replace(/.*\//, '')}:${lineNumber + 1}`
    add(byOwner, native, time)
    add(byFunction, `${functionName || '(anonymous)'}${place}`, time)
    all += time
  }
  console.log(shares('by room and package', byOwner, all))
  console.log(shares('by function', byFunction, all))
}

function add(times: Map<string, number>, name: string, time: number): void {
  times.set(name, (times.get(name) ?? 0) + time)
}

function shares(head: string, times: ReadonlyMap<string, number>, all: number): string {
  const largest = [...times].sort(([, a], [, b]) => b - a).slice(0, rows)
  return table(
    [head, '% of the time'],
    largest.map(([name, time]) => [name, ((100 * time) / all).toFixed(1)]),
  )
}

function isOneOf<T extends string>(names: readonly T[], text: string): text is T {
  return (names as readonly string[]).includes(text)
}

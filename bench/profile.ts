/**
 * Records a CPU profile of a server under load. Prints the shares of modules and packages, then those of functions. Needs
 * a build.
 *
 *     node --import tsx bench/profile.ts [SERVER] [LOAD]
 *
 * SERVER and LOAD are keys in `servers/servers.ts` and `load/loads.ts` (default: ses keepAlive).
 */
import { fileURLToPath } from 'node:url'
import { type LoadName, loadNames, loads } from './load/loads.ts'
import { applyLoad } from './measure/apply-load.ts'
import { table } from './report/table.ts'
import { type FakeSes, startFakeSes } from './servers/fake-ses.ts'
import type { CpuProfile } from './servers/server-process.ts'
import { relaysToSes, type ServerName, serverNames, startServer, titleOf } from './servers/servers.ts'

/** The owner of a function: a module of this program, a package, or Node.js itself. */
const owners = [/\/node_modules\/((?:@[^/]+\/)?[^/]+)/, /\/dist\/([^/]+)/, /^(node:\w+)/] as const
const seconds = 8
const rows = 25

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()

async function main(): Promise<void> {
  const [, , serverName = 'ses', load = 'keepAlive'] = process.argv
  if (!isOneOf(serverNames, serverName) || !isOneOf(loadNames, load)) {
    console.error(`SERVER: ${serverNames.join(', ')}; LOAD: ${loadNames.join(', ')}`)
    process.exit(2)
  }
  const fakeSes = relaysToSes(serverName) ? await startFakeSes() : undefined
  console.log(`${titleOf(serverName)}; ${loads[load].title}; Node.js ${process.version}\n`)
  print(await recordProfile(serverName, load, fakeSes))
  await fakeSes?.stop()
}

async function recordProfile(
  name: ServerName,
  load: LoadName,
  fakeSes: FakeSes | undefined,
): Promise<CpuProfile> {
  const server = await startServer(name, fakeSes?.port)
  // Warm up, so that compilation is not in the profile.
  await applyLoad(server, loads[load], seconds / 2)
  const profile = await server.profile(() => applyLoad(server, loads[load], seconds))
  await server.stop()
  return profile
}

function print({ nodes, samples, timeDeltas }: CpuProfile): void {
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
  console.log(shares('by module and package', byOwner, all))
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

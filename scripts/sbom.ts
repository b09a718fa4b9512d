/**
 * Prints the SBOM of the packages that are installed with this package, from the lock file and without network access.
 * The format is CycloneDX, unless arguments such as `--sbom-format spdx` change it.
 *
 * `npm sbom --omit dev` alone omits packages that both the program and its tests need (minimist, tslib), and uses the
 * name of the folder as the name of the package (npm 10 and 11). Therefore this script passes npm a package without
 * development dependencies.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Locked {
  readonly dev?: boolean
  readonly devDependencies?: object
}

const read = (name: string) => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'))
const { devDependencies: _, ...description } = read('package.json')
const lock = read('package-lock.json')
const { '': root, ...packages } = lock.packages as Record<string, Locked>
const { devDependencies: __, ...locked } = root!
const kept = Object.entries(packages).filter(([, { dev }]) => !dev)

const parent = mkdtempSync(join(tmpdir(), 'sbom-'))
try {
  const folder = join(parent, description.name)
  mkdirSync(folder)
  const write = (name: string, content: object) => writeFileSync(join(folder, name), JSON.stringify(content))
  write('package.json', description)
  write('package-lock.json', { ...lock, packages: { '': locked, ...Object.fromEntries(kept) } })
  const format = ['--package-lock-only', '--sbom-format', 'cyclonedx', ...process.argv.slice(2)]
  execFileSync('npm', ['sbom', ...format], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] })
} finally {
  rmSync(parent, { recursive: true })
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from './installation.ts'

/** A package of the lock file that is installed for users, not only for developers of this package. */
export interface Locked {
  readonly name: string
  readonly version: string
  readonly license: string
  /** True if it is installed only on platforms that need it. */
  readonly optional?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** All such packages, for any platform. */
export function locked(): Locked[] {
  const { packages } = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Omit<Locked, 'name'> & { readonly dev?: boolean }>
  }
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, entry]) => ({ ...entry, name: path.split('node_modules/').at(-1)! }))
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from './installation.ts'

/** A package of the lock file that is installed for users, not only for those who work on this one. */
export interface Locked {
  readonly name: string
  readonly version: string
  readonly license: string
  /** Only platforms that need it have it. */
  readonly optional?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** All of them, whatever the platform. */
export function locked(): Locked[] {
  const { packages } = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Omit<Locked, 'name'> & { readonly dev?: boolean }>
  }
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, entry]) => ({ ...entry, name: path.split('node_modules/').at(-1)! }))
}

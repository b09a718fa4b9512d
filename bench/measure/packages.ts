import { existsSync, readFileSync } from 'node:fs'
import type { Results } from '../report/results.ts'
import { benchPath } from '../servers/child-process.ts'

interface Entry {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Returns the installed packages of the program: those that the AWS clients need, and all others. */
export function findPackages(): Results['packages'] {
  const { packages } = JSON.parse(readFileSync(benchPath('../package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, Entry>>
  }
  const names = Object.keys(packages['']!.dependencies!)
  const aws = closure(names.filter(name => name.startsWith('@aws-sdk/')))
  const all = closure(names)
  return { aws: [...aws], own: [...all].filter(path => !aws.has(path)) }

  function closure(roots: readonly string[]): ReadonlySet<string> {
    const found = new Set<string>()
    const add = (name: string, from: string): void => {
      const path = resolve(name, from)
      // Of the packages for different platforms, only one is installed.
      if (path === undefined || found.has(path) || !existsSync(benchPath(`../${path}`))) return
      found.add(path)
      const { dependencies, optionalDependencies } = packages[path]!
      for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) add(needed, path)
    }
    for (const root of roots) add(root, '')
    return found
  }

  /** Resolves a package like Node.js: first in the folder of the package itself, then in its parents. */
  function resolve(name: string, from: string): string | undefined {
    for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
      const path = `${at === '' ? '' : `${at}/`}node_modules/${name}`
      if (packages[path] !== undefined) return path
      if (at === '') return undefined
    }
  }
}

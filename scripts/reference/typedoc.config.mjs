import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

/** The doors of the package: what may be imported from outside is what has to be explained. */
const doors = Object.values(exports)
  .map(door => (typeof door === 'string' ? door : door.default))
  .filter(file => file.endsWith('.js'))
  .map(file => root + file.replace(/^\.\/dist\/(.*)\.js$/, 'src/$1.ts'))

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'aws-smtp-relay',
  entryPoints: doors,
  tsconfig: `${root}tsconfig.json`,
  out: `${root}docs/api`,
  readme: `${root}scripts/reference/front.md`,
  navigation: { includeFolders: false },
  githubPages: false,
  disableSources: true,
  excludePrivate: true,
  // A property has a comment where its name does not say it all; in a union most do.
  requiredToBeDocumented: [
    'Enum',
    'Variable',
    'Function',
    'Class',
    'Interface',
    'Method',
    'Accessor',
    'TypeAlias',
  ],
  // Lists that only types are made of.
  intentionallyNotExported: ['noticeNames', 'questionTypes'],
  validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true },
  treatWarningsAsErrors: true,
}

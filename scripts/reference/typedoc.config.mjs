import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

/** The entry points of the package. Everything that they export must have a comment. */
const entryPoints = Object.values(exports)
  .map(entryPoint => (typeof entryPoint === 'string' ? entryPoint : entryPoint.default))
  .filter(file => file.endsWith('.js'))
  .map(file => root + file.replace(/^\.\/dist\/(.*)\.js$/, 'src/$1.ts'))

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'aws-smtp-relay',
  entryPoints,
  tsconfig: `${root}tsconfig.json`,
  out: `${root}docs/api`,
  readme: `${root}scripts/reference/front.md`,
  navigation: { includeFolders: false },
  githubPages: false,
  disableSources: true,
  excludePrivate: true,
  // A property needs no comment if its name is clear. In unions this is usual.
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
  // Lists that are only used to derive types.
  intentionallyNotExported: ['actionNames', 'questionTypes'],
  validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true },
  treatWarningsAsErrors: true,
}

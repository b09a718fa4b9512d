/** Removes from dist what was made of sources that are gone: the compiler leaves it, and npm would pack it. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name)
  const source = join(root, 'src', path.slice(dist.length)).replace(/(\.d\.ts|\.js)$/, '.ts')
  if (!existsSync(source)) rmSync(path, { recursive: true, force: true })
}

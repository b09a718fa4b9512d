/** Removes files from `dist` whose source was deleted. The compiler does not remove them, and npm would pack them. */
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

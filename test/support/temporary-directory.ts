import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs functions when it ends: a test, or a file of tests. */
export interface Scope {
  after(cleanUp: () => Promise<void>): void
}

/** Creates an empty directory, which is removed at the end of the scope. Returns its path. */
export async function temporaryDirectory(scope: Scope): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'relay-test-'))
  scope.after(() => rm(path, { recursive: true, force: true }))
  return path
}

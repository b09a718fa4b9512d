import { FakeSes } from '../support/fake-ses.ts'
import type { Start } from '../support/relay-process.ts'
import type { Scope } from '../support/temporary-directory.ts'

/** Returns the start options of a program with a backend that never answers. */
export async function hangingBackend(scope: Scope): Promise<Start> {
  const fakeSes = await FakeSes.start()
  scope.after(() => fakeSes.close())
  fakeSes.always({ type: 'hang' })
  return { args: ['-r', 'ses'], env: fakeSes.environment }
}

import { FakeSes } from '../support/fake-ses.ts'
import type { Scope, Start } from '../support/relay-process.ts'

/** How the program is started with a backend that never answers. */
export async function hangingBackend(scope: Scope): Promise<Start> {
  const standIn = await FakeSes.start()
  scope.after(() => standIn.close())
  standIn.always({ type: 'hang' })
  return { args: ['-r', 'ses'], env: standIn.environment }
}

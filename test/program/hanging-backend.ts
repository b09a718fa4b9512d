import { SesStandIn } from '../relay/ses-stand-in.ts'
import type { Scope, Start } from './relay-process.ts'

/** How the program is started with a backend that never answers. */
export async function hangingBackend(scope: Scope): Promise<Start> {
  const standIn = await SesStandIn.start()
  scope.after(() => standIn.close())
  standIn.always({ type: 'hang' })
  return { args: ['-r', 'ses'], env: standIn.environment }
}

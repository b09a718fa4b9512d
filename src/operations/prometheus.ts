import { importOptional } from '../support/optional-package.ts'

/** Loads prom-client, which only `--admin` needs. @throws Error for the operator where it is not installed */
export function prometheus() {
  return importOptional('prom-client', '--admin', () => import('prom-client'))
}

import { installed } from '../installed.ts'

/** Loads prom-client, which only `--admin` needs. @throws Error for the operator where it is not installed */
export function prometheus() {
  return installed('prom-client', '--admin', () => import('prom-client'))
}

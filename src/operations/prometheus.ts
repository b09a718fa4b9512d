import { importOptional } from '../support/optional-package.ts'

/** The prefix of the name of every metric except those of Node.js and of the process. */
export const metricPrefix = 'aws_smtp_relay_'

/**
 * Loads prom-client, which only `--admin` needs.
 * @throws Error with a sentence for the operator if it is not installed
 */
export function loadPrometheus() {
  return importOptional('prom-client', '--admin', () => import('prom-client'))
}

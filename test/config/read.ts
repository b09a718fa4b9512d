/** Reads command lines and variables for the tests of the configuration. */
import assert from 'node:assert/strict'
import { type Environment, parse, type Settings } from '../../src/config/index.ts'

export const bcryptHash = '$2y$10$85/eICRuwBwutrou64G5HeoF3Ek/qf1YKPLba7ckiMxUTAeLIeyaC'
export const tls = ['-c', 'default.crt', '-k', 'default.key']
export const arn = (name: string) => `arn:aws:ses:eu-west-1:123456789012:identity/${name}`

/** The settings. Fails if there are none. */
export function settings(argv: readonly string[], env: Environment = {}): Settings {
  const parsed = parse(argv, env)
  if (parsed.type !== 'settings') assert.fail(JSON.stringify(parsed))
  return parsed.settings
}

/** The warnings. Fails if there are no settings. */
export function warnings(argv: readonly string[], env: Environment = {}): readonly string[] {
  return settings(argv, env).warnings
}

/** The message with which the program exits with code 2. */
export function usage(argv: readonly string[], env: Environment = {}): string {
  const parsed = parse(argv, env)
  if (parsed.type !== 'usage') assert.fail(JSON.stringify(parsed))
  return parsed.message
}

/** The message with which the program exits with code 1. */
export function error(argv: readonly string[], env: Environment = {}): string {
  const parsed = parse(argv, env)
  if (parsed.type !== 'error') assert.fail(JSON.stringify(parsed))
  return parsed.message
}

import { homedir } from 'node:os'

/**
 * Sets `HOME` to a directory that does not exist, if the system knows none: without the variable, and for a user without an
 * entry in the table of users, as `runAsUser` of Kubernetes may name one. The AWS SDK looks for its shared configuration in
 * the home directory, and would fail in every call, although everything may be in variables. Child processes inherit it.
 */
export function ensureHome(): void {
  try {
    homedir()
  } catch {
    process.env.HOME = '/nonexistent'
  }
}

import { homedir } from 'node:os'

/**
 * Sets `HOME` to a directory that does not exist, if the system knows no home directory: the variable is not set, and the
 * user has no entry in the user database (`runAsUser` of Kubernetes, for example). The AWS SDK looks for its shared
 * configuration in the home directory, and without one every call would fail. Child processes inherit the variable.
 */
export function ensureHome(): void {
  try {
    homedir()
  } catch {
    process.env.HOME = '/nonexistent'
  }
}

import type { Relay } from './relay.ts'

/** Creates a backend that accepts messages and drops them, for measurements. It accepts what `maildir` accepts. */
export function discard(): Relay {
  return {
    name: 'discard',
    maxMessageBytes: 40 * 1024 * 1024,
    takesUtf8: true,
    takesBinary: true,
    send: async () => ({}),
  }
}

import type { Relay } from './relay.ts'

/** Answers and drops, to measure everything but the backend. Takes what `-r maildir` takes. */
export function discard(): Relay {
  return {
    name: 'discard',
    maxMessageBytes: 40 * 1024 * 1024,
    takesUtf8: true,
    takesBinary: true,
    send: async () => ({}),
  }
}

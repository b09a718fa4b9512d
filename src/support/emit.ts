/**
 * Receives events of a module, one at a time, as they happen. The module does not wait for the handler, and ignores
 * what it throws or rejects with.
 */
export type EventHandler<Event> = (event: Event) => void

/**
 * Passes an event to a handler, if there is one. Never throws: what a client is answered must not depend on whether
 * anything listens. Handlers must handle their own errors.
 */
export function emit<Event>(handler: EventHandler<Event> | undefined, event: Event): void {
  try {
    const returned: unknown = handler?.(event)
    if (returned instanceof Promise) returned.catch(ignore)
  } catch {
    ignore()
  }
}

function ignore(): void {}

/**
 * Called synchronously with each event of a module. The module does not depend on it: what it throws or rejects with is
 * ignored, and a promise that it returns is not awaited.
 */
export type EventHandler<Event> = (event: Event) => void

/** Calls the handler, if there is one, with an event. Never throws: what a client gets must not depend on a listener. */
export function emit<Event>(handler: EventHandler<Event> | undefined, event: Event): void {
  try {
    const result: unknown = handler?.(event)
    if (result instanceof Promise) result.catch(ignore)
  } catch {
    ignore()
  }
}

/** A listener must handle its own errors. */
function ignore(): void {}

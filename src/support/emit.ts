/**
 * Somebody who watches: hears what happens in a room, a value at a time, at once. Nothing depends on it: it must not
 * wait, and what it throws or rejects with is swallowed. Where nobody watches, nothing is told.
 */
export type EventHandler<Event> = (event: Event) => void

/** Tells it, whatever the witness does: what a client hears must not depend on who watches. */
export function emit<Event>(witness: EventHandler<Event> | undefined, event: Event): void {
  try {
    const said: unknown = witness?.(event)
    if (said instanceof Promise) said.catch(swallow)
  } catch {
    swallow()
  }
}

/** Who watches has to see for himself that he can. */
function swallow(): void {}

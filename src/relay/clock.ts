/** What waiting needs. Tests bring one whose time passes at once. */
export interface Clock {
  /** Milliseconds since some moment; they never go back. */
  now(): number
  sleep(ms: number): Promise<void>
}

/** The time that passes by itself. */
export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: ms => new Promise(resolve => setTimeout(resolve, ms)),
}

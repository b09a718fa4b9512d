/**
 * The operations room: what the people who run this server get to see of it. `admin.ts`, `status.ts` and `sum.ts` have
 * no place at this door: they are entered, and prom-client is loaded, only where an operator wants to look.
 */

export type { Dials } from './dials.ts'
export { type Instruments, openInstruments } from './instruments.ts'
export { deliveryLog, faultLog } from './log.ts'
export { type Looks, looksOf } from './look.ts'
export type { Snapshot } from './sum.ts'
export { nonBlocking } from './terminal-stream.ts'
export { verboseLog } from './verbose.ts'
export { together, type Watcher } from './watcher.ts'
export { type StreamWriters, streamWriters, type Writers } from './writers.ts'

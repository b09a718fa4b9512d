/** The operations room: what the people who run this server get to see of it. */

export type { Dials } from './dials.ts'
export { type Instruments, openInstruments } from './instruments.ts'
export { deliveryLog, faultLog, streamWriters, type Writers } from './log.ts'
export { type Looks, looksOf } from './look.ts'
export type { Snapshot } from './sum.ts'
export { verboseLog } from './verbose.ts'
export { together, type Watcher } from './watcher.ts'

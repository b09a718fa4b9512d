/**
 * The operations room: what the people who run this server get to see of it. `admin.ts`, `status.ts` and `sum.ts` have
 * no place at this door: they are entered, and prom-client is loaded, only where an operator wants to look.
 */

export { combineHandlers, type EventHandlers } from './event-handlers.ts'
export type { GaugeSources } from './gauges.ts'
export { deliveryLog, faultLog } from './log.ts'
export { formatsFor, type LogFormats } from './log-format.ts'
export {
  createLogSink,
  type LogSink,
  type StreamLogSink,
} from './log-streams.ts'
export type { Snapshot } from './metrics-aggregate.ts'
export { createMonitoring, type Monitoring } from './monitoring.ts'
export { nonBlocking } from './terminal-stream.ts'
export { verboseLog } from './verbose.ts'

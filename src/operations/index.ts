/**
 * What an operator sees of the server: log, metrics, readiness, admin endpoint. `admin.ts`, `build-info.ts` and
 * `metrics-aggregate.ts` are not exported here: they are imported directly, and only if the operator wants `--admin`.
 */

export {
  combineHandlers,
  type ErrorEvent,
  type NoticeEvent,
  type ProxyErrorEvent,
  type RelayEvent,
} from './events.ts'
export type { GaugeSources } from './gauges.ts'
export { eventLog } from './log.ts'
export { formatsFor, type LogFormats } from './log-format.ts'
export { createLogSink, type LogSink, type StreamLogSink } from './log-streams.ts'
export type { Snapshot } from './metrics-aggregate.ts'
export { createMonitoring, type Monitoring } from './monitoring.ts'
export { nonBlocking } from './terminal-stream.ts'

/** The operations room: what the people who run this server get to see of it. */
export { jsonFault, jsonLog, type LogStream, streamWriters, type Writers } from './log.ts'

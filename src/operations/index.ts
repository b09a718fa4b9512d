/** The operations room: what the people who run this server get to see of it. */
export { deliveryLog, faultLog, type LogStream, streamWriters, type Writers } from './log.ts'
export { type Looks, looksOf } from './look.ts'

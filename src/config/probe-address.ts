/**
 * The address that a health check connects from. The server does not log it where `--allow-ips` refuses it. Only this
 * machine can have it, but on Linux any process may use it, so nothing else is kept out of the log for its sake.
 */
export const probeSourceAddress = '127.83.77.84'

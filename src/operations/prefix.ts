/** What stands in front of the name of every metric but those of Node.js and the process. */
export const prefix = 'aws_smtp_relay_'

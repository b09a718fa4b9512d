/** Sends one mail through SES as its environment says, and writes in JSON what the client and the log would hear. */

import { logText } from '../../src/relay/errors/error-info.ts'
import { replyFor } from '../../src/relay/errors/error-table.ts'
import { ses } from '../../src/relay/index.ts'
import { mail } from './trial.ts'

try {
  const { messageId } = await (await ses()).send(mail)
  process.stdout.write(JSON.stringify({ reply: '250', log: messageId }))
} catch (error) {
  const { code, status, text } = replyFor(error)
  process.stdout.write(JSON.stringify({ reply: `${code} ${status} ${text}`, log: logText(error) }))
}

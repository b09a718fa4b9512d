/** Sends one message through SES as the environment says, and prints the reply to the client and the log text as JSON. */

import { ses } from '../../src/relay/index.ts'
import { failure, message } from './backend-contract.ts'

const relay = await ses()
const accepted = await relay.send(message).catch(() => undefined)
const result = accepted === undefined ? await failure(relay) : { reply: '250', log: accepted.messageId }
process.stdout.write(JSON.stringify({ reply: result.reply, log: result.log }))

import assert from 'node:assert/strict'
import { logText } from '../../src/relay/errors/error-info.ts'
import { replyFor } from '../../src/relay/errors/error-table.ts'
import type { Message, Relay } from '../../src/relay/relay.ts'

const content = [
  Buffer.from('Received: x\r\n'),
  Buffer.from([0, 1, 127, 128, 255, 10, 13]),
  Buffer.from('+ /=&%é'),
]

/** A mail whose bytes are easily damaged on the way. */
export const mail: Message = {
  id: 'id',
  sender: 'alice@example.org',
  recipients: ['bob@example.org', 'carol+x@example.org'],
  content,
  headerBytes: content[0]!.length,
  size: content.reduce((sum, part) => sum + part.length, 0),
}

/** What the client would hear and the log would say of a mail that must fail. */
export async function failure(
  relay: Relay,
  sent = mail,
): Promise<{ reply: string; log: string; error: unknown }> {
  try {
    await relay.send(sent)
  } catch (error) {
    const { code, status, text } = replyFor(error)
    return { reply: `${code} ${status} ${text}`, log: logText(error), error }
  }
  return assert.fail('it was accepted')
}

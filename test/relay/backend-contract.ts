import assert from 'node:assert/strict'
import { DeliveryAgent, type DeliveryResult } from '../../src/relay/delivery.ts'
import type { UpstreamCall } from '../../src/relay/index.ts'
import type { Message, Relay } from '../../src/relay/relay.ts'

const content = [
  Buffer.from('Received: x\r\n'),
  Buffer.from([0, 1, 127, 128, 255, 10, 13]),
  Buffer.from('+ /=&%é'),
]

/** A message whose bytes are easily damaged in transit. */
export const message: Message = {
  id: 'id',
  sender: 'alice@example.org',
  recipients: ['bob@example.org', 'carol+x@example.org'],
  content,
  headerBytes: content[0]!.length,
  size: content.reduce((sum, part) => sum + part.length, 0),
}

/** Delivers a message that must fail, and returns the reply to the client, the first log text and what `send` threw. */
export async function failure(
  relay: Relay,
  sent = message,
): Promise<{ reply: string; outcome: string; log: string; error: unknown }> {
  let error: unknown
  let outcome = ''
  const send: Relay['send'] = async message => {
    try {
      return await relay.send(message)
    } catch (thrown) {
      error = thrown
      throw thrown
    }
  }
  const onEvent = (call: UpstreamCall) => {
    outcome = call.outcome
  }
  const agent = new DeliveryAgent({ ...relay, send }, { maxWaitMs: 0, onEvent })
  const { result, errors } = await deliver(agent, sent)
  if (result.type !== 'failed') return assert.fail('it was accepted')
  const { code, status, text } = result.reply
  return { reply: `${code} ${status} ${text}`, outcome, log: errors[0]!, error }
}

/** Delivers a message, and returns the result and the log texts of the errors. */
export async function deliver(
  agent: DeliveryAgent,
  sent = message,
): Promise<{ result: DeliveryResult; errors: readonly string[] }> {
  const errors: string[] = []
  const result = await agent.deliver(sent, '', ({ error }) => {
    if (error !== undefined) errors.push(error)
  })
  return { result, errors }
}

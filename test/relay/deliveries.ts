import type { Delivery, MessageEvent } from '../../src/relay/events.ts'
import type { EventHandler } from '../../src/support/emit.ts'

/** Keeps, of all that is told of mails, what the log has a line for. */
export function keepDeliveries(log: Delivery[]): EventHandler<MessageEvent> {
  return event => {
    if (event.type !== 'delivery') return
    const { type: _, ...delivery } = event
    log.push(delivery)
  }
}

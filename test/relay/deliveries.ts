import type { Delivery, MessageEvent } from '../../src/relay/events.ts'
import type { EventHandler } from '../../src/support/emit.ts'

/** Collects the events of messages for which the log has a line. */
export function keepDeliveries(log: Delivery[]): EventHandler<MessageEvent> {
  return event => {
    if (event.type !== 'delivery') return
    const { type: _, ...delivery } = event
    log.push(delivery)
  }
}

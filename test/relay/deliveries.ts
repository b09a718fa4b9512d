import type { Witness } from '../../src/protocol/index.ts'
import type { Delivery, MailEvent } from '../../src/relay/delivery.ts'

/** Keeps, of all that is told of mails, what the log has a line for. */
export function keepDeliveries(log: Delivery[]): Witness<MailEvent> {
  return event => {
    if (event.type !== 'delivery') return
    const { type: _, ...delivery } = event
    log.push(delivery)
  }
}

import type { AccessEvent } from '../auth/index.ts'
import type { MessageEvent } from '../relay/index.ts'
import { type EventHandler, emit } from '../support/emit.ts'
import type { ConnectionEvent } from '../transport/index.ts'

/** Somebody who watches some of the rooms; nothing is told of the others. */
export interface EventHandlers {
  readonly traffic?: EventHandler<ConnectionEvent>
  readonly access?: EventHandler<AccessEvent>
  readonly mail?: EventHandler<MessageEvent>
}

/** Several who watch as one. None of them can keep the others from hearing. */
export function combineHandlers(watchers: readonly EventHandlers[]): EventHandlers {
  const traffic = watchers.flatMap(watcher => watcher.traffic ?? [])
  const access = watchers.flatMap(watcher => watcher.access ?? [])
  const mail = watchers.flatMap(watcher => watcher.mail ?? [])
  return {
    ...(traffic.length > 0 && { traffic: callAll(traffic) }),
    ...(access.length > 0 && { access: callAll(access) }),
    ...(mail.length > 0 && { mail: callAll(mail) }),
  }
}

function callAll<Event>(witnesses: readonly EventHandler<Event>[]): EventHandler<Event> {
  return event => {
    for (const witness of witnesses) emit(witness, event)
  }
}

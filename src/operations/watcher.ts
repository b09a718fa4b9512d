import type { AccessEvent } from '../auth/index.ts'
import { tell, type Witness } from '../protocol/index.ts'
import type { MailEvent } from '../relay/index.ts'
import type { TrafficEvent } from '../transport/index.ts'

/** Somebody who watches some of the rooms; nothing is told of the others. */
export interface Watcher {
  readonly traffic?: Witness<TrafficEvent>
  readonly access?: Witness<AccessEvent>
  readonly mail?: Witness<MailEvent>
}

/** Several who watch as one. None of them can keep the others from hearing. */
export function together(watchers: readonly Watcher[]): Watcher {
  const traffic = watchers.flatMap(watcher => watcher.traffic ?? [])
  const access = watchers.flatMap(watcher => watcher.access ?? [])
  const mail = watchers.flatMap(watcher => watcher.mail ?? [])
  return {
    ...(traffic.length > 0 && { traffic: toAll(traffic) }),
    ...(access.length > 0 && { access: toAll(access) }),
    ...(mail.length > 0 && { mail: toAll(mail) }),
  }
}

function toAll<Event>(witnesses: readonly Witness<Event>[]): Witness<Event> {
  return event => {
    for (const witness of witnesses) tell(witness, event)
  }
}

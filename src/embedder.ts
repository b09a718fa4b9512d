/** What an embedding program hands over besides settings. Where no types were checked, a slip is a sentence at once. */
import type { Watcher } from './operations/index.ts'
import type { Relay } from './relay/index.ts'

/** What there is of it. */
interface Handed {
  readonly relay?: unknown
  readonly watcher?: unknown
  readonly note?: unknown
  readonly onFault?: unknown
}

const watched = ['traffic', 'access', 'mail'] satisfies (keyof Watcher)[]

/** @throws Error with a sentence that names what cannot be used */
export function checkHanded({ relay, watcher, note, onFault }: Handed): void {
  if (relay !== undefined && typeof relay !== 'string') checkRelay(relay)
  if (watcher !== undefined) checkWatcher(watcher)
  mayBeFunction('note', note)
  mayBeFunction('onFault', onFault)
}

/** Of a mail that came to it one would find out too late. */
function checkRelay(relay: unknown): void {
  if (typeof relay !== 'object' || relay === null) throw new Error('relay (--relay) has the wrong type')
  const { name, maxMessageBytes, send }: { readonly [F in keyof Relay]?: unknown } = relay
  if (typeof name !== 'string' || name === '') throw new Error('relay.name has to be a word')
  if (typeof maxMessageBytes !== 'number' || !(maxMessageBytes > 0)) {
    throw new Error('relay.maxMessageBytes has to be a number of bytes')
  }
  if (typeof send !== 'function') throw new Error('relay.send has to be a function')
}

function checkWatcher(watcher: unknown): void {
  if (typeof watcher !== 'object' || watcher === null) throw new Error('watcher has the wrong type')
  for (const [name, witness] of Object.entries(watcher)) {
    if (!watched.includes(name as keyof Watcher)) throw new Error(`there is no option watcher.${name}`)
    mayBeFunction(`watcher.${name}`, witness)
  }
}

function mayBeFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') throw new Error(`${name} has to be a function`)
}

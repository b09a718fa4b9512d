/** What an embedding program hands over besides settings. Where no types were checked, a slip is a sentence at once. */
import type { Watcher } from './operations/index.ts'

/** What there is of it. */
interface Handed {
  readonly watcher?: unknown
  readonly note?: unknown
  readonly onFault?: unknown
}

const watched = ['traffic', 'access', 'mail'] satisfies (keyof Watcher)[]

/** @throws Error with a sentence that names what cannot be used */
export function checkHanded(handed: Handed): void {
  if (typeof handed !== 'object' || handed === null) throw new Error('the options have to be an object')
  const { watcher, note, onFault } = handed
  if (watcher !== undefined) checkWatcher(watcher)
  mayBeFunction('note', note)
  mayBeFunction('onFault', onFault)
}

function checkWatcher(watcher: unknown): void {
  if (typeof watcher !== 'object' || watcher === null) throw new Error('watcher has the wrong type')
  for (const [name, witness] of Object.entries(watcher)) {
    if (watched.includes(name as keyof Watcher)) mayBeFunction(`watcher.${name}`, witness)
    // An object of a class has fields of its own.
    else if (watcher.constructor === Object) throw new Error(`there is no option watcher.${name}`)
  }
}

function mayBeFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') throw new Error(`${name} has to be a function`)
}

/** What an embedding program hands over besides settings. Where no types were checked, a slip is a sentence at once. */
import type { EventHandlers } from '../operations/index.ts'

/** What there is of it. */
interface GivenOptions {
  readonly handlers?: unknown
  readonly onNotice?: unknown
  readonly onError?: unknown
}

const watched = ['traffic', 'access', 'mail'] satisfies (keyof EventHandlers)[]

/** @throws Error with a sentence that names what cannot be used */
export function validateOptions(handed: GivenOptions): void {
  if (typeof handed !== 'object' || handed === null) throw new Error('the options have to be an object')
  const { handlers, onNotice, onError } = handed
  if (handlers !== undefined) validateHandlers(handlers)
  mayBeFunction('onNotice', onNotice)
  mayBeFunction('onError', onError)
}

function validateHandlers(handlers: unknown): void {
  if (typeof handlers !== 'object' || handlers === null) throw new Error('handlers has the wrong type')
  for (const [name, witness] of Object.entries(handlers)) {
    if (watched.includes(name as keyof EventHandlers)) mayBeFunction(`handlers.${name}`, witness)
    // An object of a class has fields of its own.
    else if (handlers.constructor === Object) throw new Error(`there is no option handlers.${name}`)
  }
}

function mayBeFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') throw new Error(`${name} has to be a function`)
}

/** Checks of what an application passes to `createServer` besides settings. Calls from JavaScript are not type-checked. */

interface GivenOptions {
  readonly onEvent?: unknown
}

/** @throws Error with a sentence that names the option that cannot be used */
export function validateOptions(options: GivenOptions): void {
  if (typeof options !== 'object' || options === null) throw new Error('the options have to be an object')
  const { onEvent } = options
  if (onEvent !== undefined && typeof onEvent !== 'function') throw new Error('onEvent has to be a function')
}

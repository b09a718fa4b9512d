/** What comes of reading a value: the value, or what is wrong with it. */
export type ParseResult<T> = { readonly type: 'value'; readonly value: T } | InvalidValue

/** `usage`: the end of the sentence `invalid value "x" for flag -x: …`. `conflict`: a whole sentence of the Go program's. */
export interface InvalidValue {
  readonly type: 'usage' | 'conflict'
  readonly message: string
}

/** A kind of value: how the text of an option becomes one. */
export interface ValueType<T> {
  /** `boolean`: the value may be left out. `action`: the option is obeyed at once, whatever its value. */
  readonly type: 'text' | 'boolean' | 'action'
  parse(text: string): ParseResult<T>
}

/** The value that was read. */
export function value<T>(value: T): ParseResult<T> {
  return { type: 'value', value }
}

/** What is wrong, as the end of a sentence. */
export function invalid(message: string): InvalidValue {
  return { type: 'usage', message }
}

/** What is wrong, as a whole sentence. */
export function conflicting(message: string): InvalidValue {
  return { type: 'conflict', message }
}

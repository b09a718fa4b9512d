/**
 * The result of reading a value.
 *
 * `invalid`: `message` is the end of the sentence `invalid value "x" for flag -x: …`. The exit code is 2.
 * `error`: `message` is a whole sentence, in the words of the Go program. The exit code is 1.
 */
export type ParseResult<T> =
  | { readonly type: 'value'; readonly value: T }
  | { readonly type: 'invalid' | 'error'; readonly message: string }

/**
 * The type of an option's value: how it is read from text, and how it is checked as a property of an object.
 */
export interface ValueType<T> {
  /**
   * How the value is written on the command line. `required`: as the next argument, or after `=`. `optional`:
   * after `=` only. `none`: the option is an action, such as `--help`.
   */
  readonly argument: 'required' | 'optional' | 'none'
  /** Reads the text of a command line or an environment variable. The text is not empty. */
  parse(text: string): ParseResult<T>
  /**
   * Checks a value that JavaScript code passes. Anything may come in, because JavaScript does not check
   * types.
   */
  check(value: unknown): ParseResult<T>
}

/**
 * One option. Its long name is its key in the table, and its environment variable is derived from that name.
 */
export interface Option<T = unknown> {
  readonly short?: string
  readonly type: ValueType<T>
  /** The placeholder of the value in the help, in capitals. */
  readonly value?: string
  /** The default, as a user would write it. */
  readonly defaultValue?: string
  /** The default in words, if it is not a fixed value. */
  readonly defaultText?: string
  /** One sentence or two, without a full stop at the end. */
  readonly help: string
}

/** A value that could be read. */
export function value<T>(value: T): ParseResult<T> {
  return { type: 'value', value }
}

/** A value that could not be read; `message` ends the sentence about it. */
export function invalid<T = never>(message: string): ParseResult<T> {
  return { type: 'invalid', message }
}

/** A value that could not be read; `message` is the whole sentence about it. */
export function error<T = never>(message: string): ParseResult<T> {
  return { type: 'error', message }
}

/** A type whose values are strings of a certain form, as text and in an object alike. */
export function textType<T>(parse: (text: string) => ParseResult<T>): ValueType<T> {
  return {
    argument: 'required',
    parse,
    check(value) {
      if (typeof value !== 'string') return invalid('must be a string')
      return value === '' ? invalid('must not be empty') : parse(value)
    },
  }
}

/**
 * True for `{…}` and `Object.create(null)`. Other objects may hide their properties, which would then be
 * ignored.
 */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

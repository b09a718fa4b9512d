import { invalid, type ValueType, value } from './value-type.ts'

/** The name of an SES configuration set. */
export const configurationSet: ValueType<string> = matching(
  /^[A-Za-z0-9_-]{1,64}$/,
  'must be at most 64 letters, digits, dashes and underscores',
)

/** The ARN of an SES identity, an address or a domain. */
export const identityArn: ValueType<string> = matching(
  /^arn:aws[a-z-]*:ses:[a-z0-9-]+:\d{12}:identity\/[!-~]+$/,
  'must be like arn:aws:ses:eu-west-1:123456789012:identity/example.org',
)

/** The id of a Pinpoint project. It becomes a part of a URL. */
export const applicationId: ValueType<string> = matching(
  /^[A-Za-z0-9-]{1,64}$/,
  'must be like 0123456789abcdef0123456789abcdef',
)

/** SES message tags by name: `name=value,name=value`. */
export const tags: ValueType<Readonly<Record<string, string>>> = {
  type: 'text',
  parse(text) {
    const read = new Map<string, string>()
    for (const part of text.split(',')) {
      const [, name, of] = /^\s*([A-Za-z0-9_-]{1,256})=([A-Za-z0-9_-]{1,256})\s*$/.exec(part) ?? []
      if (name === undefined || of === undefined) {
        return invalid(
          'must be name=value,name=value with at most 256 letters, digits, dashes and underscores each',
        )
      }
      if (read.has(name)) return invalid(`the name ${name} may be given once only`)
      read.set(name, of)
    }
    return value(Object.fromEntries(read))
  },
}

/** Something per second, with a fraction if need be; `undefined` stands for 0, which is no limit. */
export const rate: ValueType<number | 'auto' | undefined> = {
  type: 'text',
  parse(text) {
    if (text === 'auto') return value(text)
    const number = /^\d{1,9}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
    return number >= 0
      ? value(number === 0 ? undefined : number)
      : invalid('must be a number, 0 for no limit, or auto')
  },
}

function matching(pattern: RegExp, otherwise: string): ValueType<string> {
  return {
    type: 'text',
    parse: text => (pattern.test(text) ? value(text) : invalid(otherwise)),
  }
}

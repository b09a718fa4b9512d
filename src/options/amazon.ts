import { type Kind, problem, value } from './reading.ts'

/** The name of an SES configuration set. */
export const configurationSet: Kind<string> = matching(
  /^[A-Za-z0-9_-]{1,64}$/,
  'must be at most 64 letters, digits, dashes and underscores',
)

/** The ARN of an SES identity, an address or a domain. */
export const identityArn: Kind<string> = matching(
  /^arn:aws[a-z-]*:ses:[a-z0-9-]+:\d{12}:identity\/[!-~]+$/,
  'must be like arn:aws:ses:eu-west-1:123456789012:identity/example.org',
)

/** The id of a Pinpoint project. It becomes a part of a URL. */
export const applicationId: Kind<string> = matching(
  /^[A-Za-z0-9-]{1,64}$/,
  'must be like 0123456789abcdef0123456789abcdef',
)

/** SES message tags by name: `name=value,name=value`. */
export const tags: Kind<Readonly<Record<string, string>>> = {
  type: 'text',
  read(text) {
    const read = new Map<string, string>()
    for (const part of text.split(',')) {
      const [, name, of] = /^\s*([A-Za-z0-9_-]{1,256})=([A-Za-z0-9_-]{1,256})\s*$/.exec(part) ?? []
      if (name === undefined || of === undefined) {
        return problem(
          'must be name=value,name=value with at most 256 letters, digits, dashes and underscores each',
        )
      }
      if (read.has(name)) return problem(`the name ${name} may be given once only`)
      read.set(name, of)
    }
    return value(Object.fromEntries(read))
  },
}

/** Something per second, with a fraction if need be; `undefined` stands for 0, which is no limit. */
export const rate: Kind<number | 'auto' | undefined> = {
  type: 'text',
  read(text) {
    if (text === 'auto') return value(text)
    const number = /^\d{1,9}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
    return number >= 0
      ? value(number === 0 ? undefined : number)
      : problem('must be a number, 0 for no limit, or auto')
  },
}

function matching(pattern: RegExp, otherwise: string): Kind<string> {
  return {
    type: 'text',
    read: text => (pattern.test(text) ? value(text) : problem(otherwise)),
  }
}

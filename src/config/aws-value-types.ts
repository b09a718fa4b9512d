import { invalid, isPlainObject, type ParseResult, textType, type ValueType, value } from './value-type.ts'

/** The name of an SES configuration set. */
export const configurationSet: ValueType<string> = matching(
  /^[A-Za-z0-9_-]{1,64}$/,
  'must be at most 64 letters, digits, dashes and underscores',
)

/** The ARN of an SES identity, which is an address or a domain. */
export const identityArn: ValueType<string> = matching(
  /^arn:aws[a-z-]*:ses:[a-z0-9-]+:\d{12}:identity\/[!-~]+$/,
  'must be like arn:aws:ses:eu-west-1:123456789012:identity/example.org',
)

/** The ID of a Pinpoint project. It becomes part of a URL. */
export const applicationId: ValueType<string> = matching(
  /^[A-Za-z0-9-]{1,64}$/,
  'must be like 0123456789abcdef0123456789abcdef',
)

type Tags = Readonly<Record<string, string>>

/** SES message tags, name to value. As text: `name=value,name=value`. An object without any means no tags. */
export const tags: ValueType<Tags | undefined> = {
  argument: 'required',
  parse(text) {
    const pairs: (readonly [string, string])[] = []
    for (const part of text.split(',')) {
      const [, name, value] = /^\s*([^\s=]+)=([^\s=]+)\s*$/.exec(part) ?? []
      if (name === undefined || value === undefined) return invalid(tagsMessage)
      pairs.push([name, value])
    }
    return tagsOf(pairs)
  },
  check(tags) {
    return isPlainObject(tags) ? tagsOf(Object.entries(tags)) : invalid('must be a plain object')
  },
}

const tagsMessage =
  'must be name=value,name=value with at most 256 letters, digits, dashes and underscores each'

function tagsOf(pairs: readonly (readonly [string, unknown])[]): ParseResult<Tags | undefined> {
  const tags = new Map<string, string>()
  for (const [name, text] of pairs) {
    if (!isTag(name) || !isTag(text)) return invalid(tagsMessage)
    if (tags.has(name)) return invalid(`duplicate name ${name}`)
    tags.set(name, text)
  }
  return value(tags.size === 0 ? undefined : Object.fromEntries(tags))
}

function isTag(text: unknown): text is string {
  return typeof text === 'string' && /^[A-Za-z0-9_-]{1,256}$/.test(text)
}

function matching(pattern: RegExp, message: string): ValueType<string> {
  return textType(text => (pattern.test(text) ? value(text) : invalid(message)))
}

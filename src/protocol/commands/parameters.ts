import type { Parameters } from '../events.ts'
import { isXtext, readParameters } from '../grammar.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import type { SessionState } from '../session-state.ts'
import type { SessionSettings } from '../settings.ts'

/** Checks a parameter's value. Returns the reply that refuses it, or undefined. */
type ParameterCheck = (value: string, state: SessionState) => Reply | undefined

/** The parameters of MAIL. One that is not in the table or not offered is answered with 555. */
export const mailParameters: ReadonlyMap<string, ParameterCheck> = new Map([
  [
    'SIZE', // RFC 1870 section 6.1
    (value, { settings: { limits } }) => {
      if (!/^\d{1,20}$/.test(value)) return replies.parameterValue('SIZE')
      return Number(value) > limits.messageBytes ? replies.tooLarge(limits.messageBytes) : undefined
    },
  ],
  [
    'BODY', // RFC 6152 section 3, RFC 3030 section 3
    (value, { settings }) => {
      if (!/^(7BIT|8BITMIME|BINARYMIME)$/i.test(value)) return replies.parameterValue('BODY')
      const refused = value.toUpperCase() === 'BINARYMIME' && !offersBinaryMime(settings)
      return refused ? replies.unknownParameter('BODY=BINARYMIME') : undefined
    },
  ],
  [
    'AUTH', // RFC 4954 section 5; `<>`, for an unknown identity, is xtext too
    (value, { settings: { mechanisms } }) => {
      if (mechanisms.length === 0) return replies.unknownParameter('AUTH')
      return value !== '' && isXtext(value) ? undefined : replies.parameterValue('AUTH')
    },
  ],
  [
    'SMTPUTF8', // RFC 6531 section 3.4
    (value, { settings: { smtpUtf8 } }) => {
      if (!smtpUtf8) return replies.unknownParameter('SMTPUTF8')
      return value === '' ? undefined : replies.parameterValue('SMTPUTF8')
    },
  ],
] satisfies [string, ParameterCheck][])

/** The parameters of RCPT: none. */
export const rcptParameters: ReadonlyMap<string, ParameterCheck> = new Map()

/** True if BINARYMIME is offered: the host accepts binary content, and bare newlines are not rejected. */
export function offersBinaryMime({ binaryMime, bareNewline }: SessionSettings): boolean {
  return binaryMime && bareNewline !== 'reject'
}

/** Parses and checks the text after an address. Returns the parameters, or the reply that refuses them. */
export function readAndCheckParameters(
  text: string,
  known: ReadonlyMap<string, ParameterCheck>,
  state: SessionState,
): { readonly parameters: Parameters } | { readonly refusal: Reply } {
  const read = readParameters(text)
  if (read === 'syntax') return { refusal: replies.parameterSyntax }
  if (read === 'twice') return { refusal: replies.parameterTwice }
  for (const [name, value] of read) {
    const check = state.extended ? known.get(name) : undefined
    const refusal = check === undefined ? replies.unknownParameter(name) : check(value, state)
    if (refusal !== undefined) return { refusal }
  }
  return { parameters: read }
}

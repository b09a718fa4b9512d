import type { Parameters, Transaction } from '../events.ts'
import { isXtext, readParameters } from '../grammar.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import type { SessionState } from '../session-state.ts'
import type { SessionSettings } from '../settings.ts'

/** Checks a parameter's value: nothing, or the reply that refuses it. */
type Check = (value: string, dialogue: SessionState) => Reply | undefined

/** What MAIL takes behind its address. A parameter that is not here, or not offered, is answered 555. */
export const mailParameters: ReadonlyMap<string, Check> = new Map([
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
    'AUTH', // RFC 4954 section 5; `<>`, for nobody, is xtext too
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
] satisfies [string, Check][])

/** What RCPT takes behind its address. */
export const rcptParameters: ReadonlyMap<string, Check> = new Map()

/** True if the server offers BINARYMIME: the backend carries binary content, and bare newlines are not refused. */
export function offersBinaryMime({ binaryMime, bareNewline }: SessionSettings): boolean {
  return binaryMime && bareNewline !== 'reject'
}

/** Its content is octets and has no lines, so that only BDAT can carry it (RFC 3030 section 3). */
export function isBinary({ sender }: Transaction): boolean {
  return sender.parameters.get('BODY')?.toUpperCase() === 'BINARYMIME'
}

/** Reads and checks what stands behind an address; the reply that refuses it where something is wrong. */
export function parameters(
  text: string,
  known: ReadonlyMap<string, Check>,
  dialogue: SessionState,
): { readonly parameters: Parameters } | { readonly refusal: Reply } {
  const read = readParameters(text)
  if (read === 'syntax') return { refusal: replies.parameterSyntax }
  if (read === 'twice') return { refusal: replies.parameterTwice }
  for (const [name, value] of read) {
    const check = dialogue.extended ? known.get(name) : undefined
    const refusal = check === undefined ? replies.unknownParameter(name) : check(value, dialogue)
    if (refusal !== undefined) return { refusal }
  }
  return { parameters: read }
}

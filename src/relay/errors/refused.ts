import { type Reply, reply } from '../../protocol/reply.ts'
import { toReplyText } from './error-info.ts'

/** What `send` rejects with when the relay itself knows what the client shall hear. Nothing of the mail was taken. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly reply: Reply

  /**
   * @param code 400 to 559: below 500 the client keeps the mail and tries again (RFC 5321 section 4.2.1)
   * @param status the enhanced status code (RFC 3463), of the same class: `5.1.1` for 550
   * @param text what a person reads; anything but one line of printable ASCII is replaced
   * @throws RangeError when code and status are not those of a refusal
   */
  constructor(code: number, status: string, text: string) {
    super(text)
    const [, digit] = /^([45])\.\d{1,3}\.\d{1,3}$/.exec(status) ?? []
    if (!Number.isInteger(code) || code > 559 || digit !== String(Math.floor(code / 100))) {
      throw new RangeError(`${code} ${status} is no refusal: 4xx and 4.x.x or 5xx and 5.x.x are`)
    }
    this.reply = reply(code, status, toReplyText(text))
  }
}

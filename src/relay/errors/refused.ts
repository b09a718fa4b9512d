import { type Reply, reply } from '../../protocol/index.ts'
import { toReplyText } from './error-info.ts'

/** A backend's `send` rejects with it to choose the reply itself. The backend has not accepted the message. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly reply: Reply

  /**
   * @param code 400 to 559; after a code below 500 the client keeps the message and retries (RFC 5321 section 4.2.1)
   * @param status the enhanced status code (RFC 3463), of the same class as the code: `5.1.1` for 550
   * @param text for people; a character that is not printable ASCII becomes `?`
   * @throws RangeError if code and status are not those of a failure
   */
  constructor(code: number, status: string, text: string) {
    super(text)
    const [, digit] = /^([45])\.\d{1,3}\.\d{1,3}$/.exec(status) ?? []
    if (!Number.isInteger(code) || code > 559 || digit !== String(Math.floor(code / 100))) {
      throw new RangeError(`${code} ${status} is not a failure; use 4xx with 4.x.x or 5xx with 5.x.x`)
    }
    this.reply = reply(code, status, toReplyText(text))
  }
}

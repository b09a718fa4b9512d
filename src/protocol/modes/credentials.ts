import type { Dialogue } from '../dialogue.ts'
import { detached, isBase64 } from '../grammar.ts'
import type { Input } from '../input.ts'
import type { Mode } from '../mode.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import type { Exchange } from '../sasl.ts'

/** Responses to challenges are read, one line of base64 each (RFC 4954 section 4). */
export class CredentialsMode implements Mode {
  readonly isIdle = true
  readonly #mechanism: string
  readonly #exchange: Exchange

  constructor(mechanism: string, exchange: Exchange) {
    this.#mechanism = mechanism
    this.#exchange = exchange
  }

  /** @param initial the initial response in base64, `=` for an empty one; `undefined` where none was sent */
  begin(initial: string | undefined, dialogue: Dialogue): void {
    dialogue.mode = this
    if (initial === undefined) this.#step(undefined, dialogue)
    else this.#respond(initial === '=' ? '' : initial, dialogue)
  }

  read(input: Input, dialogue: Dialogue): boolean {
    const { responseBytes, skippedBytes } = dialogue.settings.limits
    const line = input.readLine(responseBytes, skippedBytes)
    if (line === undefined) return false
    dialogue.awaited = true
    if (typeof line !== 'string') this.#respond(line.toString('latin1'), dialogue)
    else this.#fail(line === 'too long' ? replies.responseTooLong : replies.bareNewline, dialogue)
    return true
  }

  #respond(response: string, dialogue: Dialogue): void {
    if (response === '*') this.#fail(replies.loginCancelled, dialogue)
    else if (!isBase64(response)) this.#fail(replies.badBase64, dialogue)
    else this.#step(Buffer.from(response, 'base64'), dialogue)
  }

  #step(response: Buffer | undefined, dialogue: Dialogue): void {
    const step = this.#exchange.step(response)
    switch (step.type) {
      case 'challenge':
        dialogue.reply(replies.challenge(step.challenge.toString('base64')))
        break
      case 'refusal':
        this.#fail(step.reply, dialogue)
        break
      case 'credentials': {
        const { credentials } = step
        const mechanism = this.#mechanism
        dialogue.resume()
        dialogue.ask({ type: 'login', mechanism, credentials }, replies.loggedIn, {
          // The response that the name was cut from may be much longer.
          granted: () => (dialogue.user = detached(credentials.username)),
          refused: reply => dialogue.loginFault(reply, mechanism, credentials.username),
        })
      }
    }
  }

  #fail(reply: Reply, dialogue: Dialogue): void {
    dialogue.resume()
    dialogue.fault(reply)
  }
}

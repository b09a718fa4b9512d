import { detached, isBase64 } from '../grammar.ts'
import type { InputBuffer } from '../input-buffer.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import type { SaslServer } from '../sasl.ts'
import type { SessionState } from '../session-state.ts'
import type { Reader } from './reader.ts'

/** Responses to challenges are read, one line of base64 each (RFC 4954 section 4). */
export class AuthReader implements Reader {
  readonly canCloseHere = true
  readonly #mechanism: string
  readonly #exchange: SaslServer

  constructor(mechanism: string, exchange: SaslServer) {
    this.#mechanism = mechanism
    this.#exchange = exchange
  }

  /** @param initial the initial response in base64, `=` for an empty one; `undefined` where none was sent */
  begin(initial: string | undefined, dialogue: SessionState): void {
    dialogue.reader = this
    if (initial === undefined) this.#step(undefined, dialogue)
    else this.#respond(initial === '=' ? '' : initial, dialogue)
  }

  read(input: InputBuffer, dialogue: SessionState): boolean {
    const { authLineBytes, discardedLineBytes } = dialogue.settings.limits
    const line = input.readLine(authLineBytes, discardedLineBytes)
    if (line === undefined) return false
    dialogue.mustWaitForReply = true
    if (typeof line !== 'string') this.#respond(line.toString('latin1'), dialogue)
    else this.#fail(line === 'too long' ? replies.responseTooLong : replies.bareNewline, dialogue)
    return true
  }

  #respond(response: string, dialogue: SessionState): void {
    if (response === '*') this.#fail(replies.loginCancelled, dialogue)
    else if (!isBase64(response)) this.#fail(replies.badBase64, dialogue)
    else this.#step(Buffer.from(response, 'base64'), dialogue)
  }

  #step(response: Buffer | undefined, dialogue: SessionState): void {
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
        dialogue.readCommands()
        dialogue.ask({ type: 'login', mechanism, credentials }, replies.loggedIn, {
          // The response that the name was cut from may be much longer.
          onAccept: () => (dialogue.user = detached(credentials.username)),
          onReject: reply => dialogue.rejectLogin(reply, mechanism, credentials.username),
        })
      }
    }
  }

  #fail(reply: Reply, dialogue: SessionState): void {
    dialogue.readCommands()
    dialogue.reject(reply)
  }
}

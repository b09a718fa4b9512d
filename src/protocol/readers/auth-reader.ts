import { detached, isBase64 } from '../grammar.ts'
import type { InputBuffer } from '../input-buffer.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import type { SaslServer } from '../sasl.ts'
import type { Reader, SessionState } from '../session-state.ts'

/** Reads responses to challenges, one line of base64 each (RFC 4954 section 4). */
export class AuthReader implements Reader {
  readonly canCloseHere = true
  readonly #mechanism: string
  readonly #exchange: SaslServer

  constructor(mechanism: string, exchange: SaslServer) {
    this.#mechanism = mechanism
    this.#exchange = exchange
  }

  /** @param initial the initial response in base64, `=` for an empty one; `undefined` if none was sent */
  start(initial: string | undefined, state: SessionState): void {
    state.reader = this
    if (initial === undefined) this.#step(undefined, state)
    else this.#respond(initial === '=' ? '' : initial, state)
  }

  read(input: InputBuffer, state: SessionState): boolean {
    const { authLineBytes, discardedLineBytes } = state.settings.limits
    const line = input.readLine(authLineBytes, discardedLineBytes)
    if (line === undefined) return false
    state.mustWaitForReply = true
    if (typeof line !== 'string') this.#respond(line.toString('latin1'), state)
    else this.#fail(line === 'too long' ? replies.responseTooLong : replies.bareNewline, state)
    return true
  }

  #respond(response: string, state: SessionState): void {
    if (response === '*') this.#fail(replies.loginCancelled, state)
    else if (!isBase64(response)) this.#fail(replies.badBase64, state)
    else this.#step(Buffer.from(response, 'base64'), state)
  }

  #step(response: Buffer | undefined, state: SessionState): void {
    const step = this.#exchange.step(response)
    switch (step.type) {
      case 'challenge':
        state.reply(replies.challenge(step.challenge.toString('base64')))
        break
      case 'refusal':
        this.#fail(step.reply, state)
        break
      case 'credentials': {
        const { credentials } = step
        const mechanism = this.#mechanism
        state.readCommands()
        state.ask({ type: 'login', mechanism, credentials }, replies.loggedIn, {
          // Detached from the response that the name is a part of, which may be much longer.
          onAccept: () => (state.user = detached(credentials.username)),
          onReject: reply => state.rejectLogin(reply, mechanism, credentials.username),
        })
      }
    }
  }

  #fail(reply: Reply, state: SessionState): void {
    state.readCommands()
    state.reject(reply)
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import { DeadlineError } from '../support/deadline.ts'
import type { Random } from '../support/random.ts'
import type { ReceivedReply, SmtpClient } from '../support/smtp-client.ts'
import type { ClientBehaviour } from './client-behaviour.ts'
import type { Attempt, Ending } from './ledger-entry.ts'
import type { DisconnectPoint, PlannedMessage } from './messages.ts'

/** How long a client waits for the reply to a message, in milliseconds. The program must reply earlier. */
const replyMs = 90_000

/** Sends messages on a connection after EHLO, in the way of a client. */
export class TransactionSender {
  readonly #behaviour: ClientBehaviour
  readonly #random: Random

  constructor(behaviour: ClientBehaviour, random: Random) {
    this.#behaviour = behaviour
    this.#random = random
  }

  /** Sends a message and returns how that ended. Disconnects at the given point, if there is one. */
  async send(
    client: SmtpClient,
    plan: PlannedMessage,
    attempt: Attempt,
    content: Buffer,
    disconnects: DisconnectPoint | undefined,
  ): Promise<Ending> {
    const { pipelining = false, chunking = false } = this.#behaviour
    const envelope = [`MAIL FROM:<${plan.sender}>`, ...plan.recipients.map(to => `RCPT TO:<${to}>`)]
    if (disconnects === 'in the envelope') {
      client.say(`${envelope.slice(0, 1 + this.#random.below(envelope.length)).join('\r\n')}\r\n`)
      return this.#disconnect(client)
    }
    const failed = await this.#sendCommands(client, [...envelope, ...(chunking ? [] : ['DATA'])], pipelining)
    if (failed !== undefined) return failed
    const bytes = chunking ? content : stuffed(content)
    if (disconnects === 'in the content') {
      const part = bytes.subarray(0, this.#random.below(bytes.length))
      if (chunking) client.say(`BDAT ${bytes.length} LAST\r\n`)
      await tryReply(() => client.put(part))
      return this.#disconnect(client)
    }
    const last = chunking ? await this.#sendChunks(client, bytes) : bytes
    if (!Buffer.isBuffer(last)) return last
    attempt.complete = true
    client.say(last)
    if (disconnects === 'before the reply') {
      await tryReply(() => client.put(''))
      await sleep(this.#random.below(20))
      return this.#disconnect(client)
    }
    let timedOut = false
    const reply = await tryReply(
      () => client.reply('the end of the message', replyMs),
      () => (timedOut = true),
    )
    return timedOut ? { type: 'timeout' } : endingOf(reply)
  }

  /** Sends commands. Returns the first reply that is not the expected one, or undefined. */
  async #sendCommands(
    client: SmtpClient,
    lines: readonly string[],
    atOnce: boolean,
  ): Promise<Ending | undefined> {
    if (atOnce) client.say(`${lines.join('\r\n')}\r\n`)
    let failed: Ending | undefined
    for (const line of lines) {
      if (!atOnce) client.say(`${line}\r\n`)
      const reply = await tryReply(() => client.reply(line))
      const wanted = line === 'DATA' ? 354 : 250
      if (reply?.code === wanted) continue
      failed ??= endingOf(reply)
      // Pipelined commands are all answered, unless the connection has ended.
      if (!atOnce || reply === undefined || reply.code === 421) return failed
    }
    return failed
  }

  /** Sends all chunks except the last, and returns that one, or how a chunk failed. */
  async #sendChunks(client: SmtpClient, content: Buffer): Promise<Buffer | Ending> {
    const pieces = 1 + this.#random.below(4)
    const size = Math.ceil(content.length / pieces)
    let at = 0
    for (; at + size < content.length; at += size) {
      client.say(chunk(content.subarray(at, at + size)))
      const reply = await tryReply(() => client.reply('BDAT'))
      if (reply?.code !== 250) return endingOf(reply)
    }
    return chunk(content.subarray(at), ' LAST')
  }

  #disconnect(client: SmtpClient): Ending {
    if (this.#random.below(2) === 0) client.reset()
    else client.vanish()
    return { type: 'disconnected' }
  }
}

function endingOf(reply: ReceivedReply | undefined): Ending {
  return reply === undefined ? { type: 'broken' } : { type: 'reply', code: reply.code, text: reply.text }
}

/** Returns a BDAT command and its data as one buffer: with two writes, the kernel would delay the second one. */
function chunk(bytes: Buffer, last = ''): Buffer {
  return Buffer.concat([Buffer.from(`BDAT ${bytes.length}${last}\r\n`), bytes])
}

/** Returns the content with dot-stuffing and the final dot (RFC 5321 section 4.5.2). */
function stuffed(content: Buffer): Buffer {
  return Buffer.from(`${content.toString('latin1').replaceAll('\r\n.', '\r\n..')}.\r\n`, 'latin1')
}

/** Returns the reply, or undefined if the connection ended or the time was over. Calls `onTimeout` in the latter case. */
export async function tryReply<T>(
  listen: () => Promise<T>,
  timedOut: () => void = () => {},
): Promise<T | undefined> {
  try {
    return await listen()
  } catch (error) {
    if (error instanceof DeadlineError) timedOut()
    return undefined
  }
}

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type StoredMessage, storedMessages } from '../support/maildir.ts'
import { RelayProcess, tlsArguments } from '../support/relay-process.ts'
import { SmtpClient } from '../support/smtp-client.ts'
import { type Scope, temporaryDirectory } from '../support/temporary-directory.ts'

const password = 'secret'
/** The response to AUTH PLAIN. */
export const credentials = Buffer.from(`\0user\0${password}`).toString('base64')

/** The content of a message. */
export const content = 'Subject: whole\r\n\r\n.dot\r\nlast line\r\n'
const stuffed = content.replace('\r\n.', '\r\n..')
/** The commands before the content. */
export const opening = 'MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n'
/** The commands and the content of a message, with the final dot. */
export const mail = `${opening}${stuffed}.\r\n`

/** A process of the program with a user, TLS and a Maildir, and a check that it is still intact. */
export class RelayFixture {
  readonly relay: RelayProcess
  readonly #maildir: string
  readonly #earlierLines: number

  private constructor(relay: RelayProcess, maildir: string) {
    this.relay = relay
    this.#maildir = maildir
    this.#earlierLines = relay.stderr.all.length
  }

  static async start(scope: Scope): Promise<RelayFixture> {
    const maildir = join(await temporaryDirectory(scope), 'maildir')
    const login = ['-u', 'user', '--allow-plaintext-auth']
    const relay = await RelayProcess.start(scope, {
      args: ['-r', 'maildir', '--maildir', maildir, ...tlsArguments, ...login],
      env: { PASSWORD: password },
      implicitTls: true,
    })
    return new RelayFixture(relay, maildir)
  }

  messages(): Promise<StoredMessage[]> {
    return storedMessages(this.#maildir)
  }

  /**
   * Checks that the process runs, serves clients, printed nothing on standard error, and stored only expected messages.
   *
   * @param expected default: the message must be complete
   */
  async check(
    expected: (message: StoredMessage) => boolean = message => message.content.equals(Buffer.from(content)),
  ): Promise<void> {
    for (const tls of [false, true]) {
      const client = await SmtpClient.connect(tls ? this.relay.tlsPort : this.relay.port, { tls })
      await client.greet()
      assert.equal((await client.ask(`AUTH PLAIN ${credentials}`)).code, 235)
      if (!tls) assert.equal((await client.mail(stuffed)).code, 250)
      assert.equal((await client.ask('QUIT')).code, 221)
    }
    assert.ok(this.relay.alive)
    assert.deepEqual(this.relay.stderr.all.slice(this.#earlierLines), [])
    const messages = await this.messages()
    assert.ok(messages.length > 0)
    for (const message of messages) {
      const known =
        message.received !== '' && (expected(message) || message.content.equals(Buffer.from(content)))
      assert.ok(known, `${message.received}${message.content.toString('latin1', 0, 200)}`)
    }
  }
}

/** Calls `act` for each item, for `atOnce` items at a time. */
export async function eachOf<T>(
  items: readonly T[],
  act: (item: T) => Promise<void>,
  atOnce = 16,
): Promise<void> {
  const rest = [...items]
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await act(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

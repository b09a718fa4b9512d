import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type StoredMessage, storedMessages } from '../support/maildir.ts'
import { RelayProcess, type Scope, temporaryDirectory, tlsArguments } from '../support/relay-process.ts'
import { SmtpClient } from '../support/smtp-client.ts'

const password = 'secret'
/** What AUTH PLAIN wants to be told in a house. */
export const credentials = Buffer.from(`\0user\0${password}`).toString('base64')

/** The content of a mail. */
export const content = 'Subject: whole\r\n\r\n.dot\r\nlast line\r\n'
const stuffed = content.replace('\r\n.', '\r\n..')
/** The commands before the content of a mail. */
export const opening = 'MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n'
/** The mail as it is said, up to its final dot. */
export const mail = `${opening}${stuffed}.\r\n`

/** The program with a user, TLS and a Maildir; what may not happen to it is checked at the end. */
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

  /** It lives and serves, it had nothing to complain about, and all mails are `expected`, whole ones if left out. */
  async check(
    expected: (mail: StoredMessage) => boolean = mail => mail.content.equals(Buffer.from(content)),
  ): Promise<void> {
    for (const tls of [false, true]) {
      const wire = await SmtpClient.connect(tls ? this.relay.tlsPort : this.relay.port, { tls })
      await wire.greet()
      assert.equal((await wire.ask(`AUTH PLAIN ${credentials}`)).code, 235)
      if (!tls) assert.equal((await wire.mail(stuffed)).code, 250)
      assert.equal((await wire.ask('QUIT')).code, 221)
    }
    assert.ok(this.relay.alive)
    assert.deepEqual(this.relay.stderr.all.slice(this.#earlierLines), [])
    const mails = await this.messages()
    assert.ok(mails.length > 0)
    for (const mail of mails) {
      const known = mail.received !== '' && (expected(mail) || mail.content.equals(Buffer.from(content)))
      assert.ok(known, `${mail.received}${mail.content.toString('latin1', 0, 200)}`)
    }
  }
}

/** Does it for each, some at a time. */
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

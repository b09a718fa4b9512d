import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type StoredMessage, storedMessages } from '../support/maildir.ts'
import { RelayProcess, tlsArguments } from '../support/relay-process.ts'
import { type Scope, temporaryDirectory } from '../support/temporary-directory.ts'

/** The kinds of connections to the server. */
export const connectionTypes = ['plain', 'STARTTLS', 'implicit TLS'] as const
export type ConnectionType = (typeof connectionTypes)[number]

export const mechanisms = ['PLAIN', 'LOGIN', 'CRAM-MD5'] as const

/** All combinations of connections and mechanisms. */
export const loginCombinations = connectionTypes.flatMap(way =>
  mechanisms.map(mechanism => [way, mechanism] as const),
)

/** The user of a program with authentication (`-u`). */
export const user = { name: 'mailer@example.org', password: 'correct horse battery' }

/** A process of the program with a certificate and a Maildir, and files for clients to send. */
export class ClientFixture {
  readonly relay: RelayProcess
  readonly #directory: string
  #files = 0

  private constructor(relay: RelayProcess, directory: string) {
    this.relay = relay
    this.#directory = directory
  }

  static async start(scope: Scope, ...args: readonly string[]): Promise<ClientFixture> {
    const directory = await temporaryDirectory(scope)
    const relay = await RelayProcess.start(scope, {
      args: ['-r', 'maildir', '--maildir', join(directory, 'maildir'), ...tlsArguments, ...args],
      env: { PASSWORD: user.password },
      implicitTls: true,
    })
    return new ClientFixture(relay, directory)
  }

  /** Like `start`, with authentication required. */
  static async startWithLogin(scope: Scope, ...args: readonly string[]): Promise<ClientFixture> {
    return ClientFixture.start(scope, '-u', user.name, ...args)
  }

  port(way: ConnectionType): number {
    return way === 'implicit TLS' ? this.relay.tlsPort : this.relay.port
  }

  /** Writes a file and returns its path. */
  async file(bytes: Buffer): Promise<string> {
    const path = join(this.#directory, `file-${++this.#files}`)
    await writeFile(path, bytes)
    return path
  }

  /** Removes and returns the only message that has arrived since the last call. */
  async takeMessage(): Promise<StoredMessage> {
    const [mail, ...others] = await storedMessages(join(this.#directory, 'maildir'))
    assert.ok(mail !== undefined, 'no mail arrived')
    assert.equal(others.length, 0, 'more than one mail arrived')
    await rm(join(this.#directory, 'maildir', 'new', mail.name))
    return mail
  }

  /** Returns the subjects of the messages. */
  async subjects(): Promise<string[]> {
    const mails = await storedMessages(join(this.#directory, 'maildir'))
    return mails.map(({ content }) => /^Subject: (.*)\r\n/.exec(content.toString('latin1'))?.[1] ?? '')
  }

  async expectNoMessage(): Promise<void> {
    assert.deepEqual(await storedMessages(join(this.#directory, 'maildir')), [])
  }
}

/** Fails if the bytes differ, and shows only the place of the first difference. */
export function expectSameBytes(got: Buffer, expected: Buffer): void {
  if (got.equals(expected)) return
  let at = 0
  while (at < got.length && got[at] === expected[at]) at++
  const around = (bytes: Buffer) => JSON.stringify(bytes.toString('latin1', Math.max(0, at - 20), at + 20))
  assert.fail(
    `${got.length} bytes instead of ${expected.length}, the first difference at ${at}: ` +
      `${around(got)} instead of ${around(expected)}`,
  )
}

/** Checks the protocol after `with` in the Received header (RFC 3848). */
export function expectProtocol({ received }: StoredMessage, way: ConnectionType, loggedIn: boolean): void {
  const protocol = `ESMTP${way === 'plain' ? '' : 'S'}${loggedIn ? 'A' : ''}`
  assert.match(received, new RegExp(`\\r\\n\\twith ${protocol} id \\S+\\r\\n\\tfor <b@example\\.org>;\\r\\n`))
}

import { FakeCredentials } from '../support/fake-credentials.ts'
import { type Decision, FakeSes, type SesCall } from '../support/fake-ses.ts'
import { splitReceived } from '../support/maildir.ts'
import { Random } from '../support/random.ts'
import type { Books } from './books.ts'
import { faultOf, unread, unreadPerThousand } from './faults.ts'
import { readRecipient } from './mails.ts'

/** How far ahead of their end the AWS SDK renews credentials. */
const renewedAheadMs = 5 * 60_000

/** How a service is. */
export interface Nature {
  readonly seed: number
  /** Whether there are faults; without them everything is accepted. */
  readonly faults: boolean
  /** Milliseconds that an answer without a fault takes at most. */
  readonly answerMs: number
  /** How long the program uses a key. */
  readonly rotationMs: number
}

/** The service that mails go to, with its faults, and whoever hands out the keys to it. */
export class Service {
  /** Faults that were done, by name. */
  readonly done = new Map<string, number>()
  readonly #books: Books
  readonly #nature: Nature
  #faulty: boolean
  readonly #ses: FakeSes
  readonly #issuer: FakeCredentials
  readonly #port: number
  readonly #random: Random
  /** Calls so far for each mail that had one; old ones are forgotten. */
  readonly #calls = new Map<number, number>()
  /** Keys that are good no more. */
  #revoked = 0
  #messages = 0

  private constructor(ses: FakeSes, issuer: FakeCredentials, books: Books, nature: Nature) {
    this.#ses = ses
    this.#issuer = issuer
    this.#books = books
    this.#nature = nature
    this.#faulty = nature.faults
    this.#random = new Random(nature.seed)
    this.#port = Number(new URL(ses.endpoint).port)
  }

  static async start(books: Books, nature: Nature): Promise<Service> {
    const ses = await FakeSes.start()
    const issuer = await FakeCredentials.start(ses)
    issuer.authorization = 'a token'
    issuer.validMs = renewedAheadMs + nature.rotationMs
    const service = new Service(ses, issuer, books, nature)
    ses.director = {
      rejectsNext: () => service.#turnsAway(),
      decide: call => service.#decide(call),
    }
    return service
  }

  /** What the program needs in its environment. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.#ses.endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${this.#issuer.endpoint}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'a token',
    }
  }

  /** Times that the program has got a key. */
  get rotations(): number {
    return this.#issuer.keys.length
  }

  /** Has no faults any more. */
  calm(): void {
    this.#faulty = false
  }

  /** Breaks all connections and is not there for a while. */
  async goAway(ms: number): Promise<void> {
    await this.#ses.close()
    await new Promise(resolve => setTimeout(resolve, ms))
    await this.#ses.listen(this.#port)
  }

  /** From now on all keys that were handed out are wrong. */
  revokeKeys(): void {
    const { keys } = this.#issuer
    for (const key of keys.slice(this.#revoked)) this.#ses.distrust(key)
    this.#revoked = keys.length
  }

  /** Keys that were followed by two others are good no more. */
  expireKeys(): void {
    const { keys, requests } = this.#issuer
    const expired = keys.slice(this.#revoked, -2)
    for (const key of expired) this.#ses.distrust(key)
    this.#revoked += expired.length
    requests.length = 0
  }

  /** Whoever asks for a key gets none, until `handOutKeys`. */
  withholdKeys(): void {
    this.#issuer.refusal = { status: 500, body: 'broken' }
  }

  handOutKeys(): void {
    this.#issuer.refusal = undefined
  }

  async close(): Promise<void> {
    await this.#ses.close()
    await this.#issuer.close()
  }

  #turnsAway(): boolean {
    // One near the beginning, so that a short soak has it.
    const draw = this.#random.below(1000)
    const chosen = this.#faulty && (this.#ses.requests === 30 || draw < unreadPerThousand)
    if (chosen) this.#count(unread)
    return chosen
  }

  #decide({ source, destinations, data }: SesCall): Decision {
    const number = readRecipient(destinations[0] ?? '')?.number ?? -1
    const before = this.#calls.get(number) ?? 0
    this.#calls.set(number, before + 1)
    const [oldest] = this.#calls.keys()
    if (this.#calls.size > 50_000) this.#calls.delete(oldest!)
    const fault = this.#faulty ? faultOf(this.#nature.seed, number, before) : undefined
    if (fault) this.#count(fault.name)
    const { received, content } = splitReceived(data)
    const call = this.#books.call({
      sender: source,
      recipients: destinations,
      content,
      connection: /^Received: from (\S+)/.exec(received)?.[1] ?? '',
      taken: fault?.takes ?? true,
      how: fault?.name ?? 'accepted',
      rejected: fault?.name === 'rejected',
    })
    const outcome = fault?.outcome ?? { type: 'accept' as const }
    // What the status tells does not depend on how the answer ends.
    const early = fault?.told === 'by the status'
    if (call && early) this.#books.answered(call, true)
    return {
      outcome: outcome.type === 'accept' ? { ...outcome, messageId: `soak-${++this.#messages}` } : outcome,
      afterMs: fault?.afterMs ?? this.#random.below(this.#nature.answerMs + 1),
      answered: whole => {
        if (call && !early) this.#books.answered(call, whole && fault?.told !== 'never')
      },
    }
  }

  #count(name: string): void {
    this.done.set(name, (this.done.get(name) ?? 0) + 1)
  }
}

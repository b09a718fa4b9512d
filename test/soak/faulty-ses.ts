import { FakeCredentials } from '../support/fake-credentials.ts'
import { type Decision, FakeSes, type SesCall } from '../support/fake-ses.ts'
import { splitReceived } from '../support/maildir.ts'
import { Random } from '../support/random.ts'
import { faultOf, unreadFault, unreadPerThousand } from './faults.ts'
import type { Ledger } from './ledger.ts'
import { readRecipient } from './messages.ts'

/** How long before their expiry the AWS SDK renews credentials, in milliseconds. */
const renewedAheadMs = 5 * 60_000

/** Options of the fake service. */
export interface ServiceOptions {
  readonly seed: number
  /** If false, everything is accepted. */
  readonly faults: boolean
  /** Longest time of an answer without a fault, in milliseconds. */
  readonly answerMs: number
  /** How long the program uses an access key, in milliseconds. */
  readonly rotationMs: number
}

/** A fake SES with faults, together with the service that issues its access keys. */
export class FaultySes {
  /** Number of faults so far, by name. */
  readonly faults = new Map<string, number>()
  readonly #ledger: Ledger
  readonly #options: ServiceOptions
  #faulty: boolean
  readonly #ses: FakeSes
  readonly #credentials: FakeCredentials
  readonly #port: number
  readonly #random: Random
  /** Number of calls for each message. Old messages are removed. */
  readonly #calls = new Map<number, number>()
  /** Number of keys that are no longer valid. */
  #revoked = 0
  #messages = 0

  private constructor(ses: FakeSes, credentials: FakeCredentials, ledger: Ledger, options: ServiceOptions) {
    this.#ses = ses
    this.#credentials = credentials
    this.#ledger = ledger
    this.#options = options
    this.#faulty = options.faults
    this.#random = new Random(options.seed)
    this.#port = Number(new URL(ses.endpoint).port)
  }

  static async start(ledger: Ledger, options: ServiceOptions): Promise<FaultySes> {
    const ses = await FakeSes.start()
    const credentials = await FakeCredentials.start(ses)
    credentials.authorization = 'a token'
    credentials.validMs = renewedAheadMs + options.rotationMs
    const service = new FaultySes(ses, credentials, ledger, options)
    ses.director = {
      rejectsNext: () => service.#rejectsNext(),
      decide: call => service.#decide(call),
    }
    return service
  }

  /** Environment variables for the program. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.#ses.endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${this.#credentials.endpoint}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'a token',
    }
  }

  /** Number of keys that the program has requested. */
  get rotations(): number {
    return this.#credentials.keys.length
  }

  /** Accepts everything from now on. */
  stopFaults(): void {
    this.#faulty = false
  }

  /** Closes all connections and the port for this time. */
  async goAway(ms: number): Promise<void> {
    await this.#ses.close()
    await new Promise(resolve => setTimeout(resolve, ms))
    await this.#ses.listen(this.#port)
  }

  /** Makes all issued keys invalid. */
  revokeKeys(): void {
    const { keys } = this.#credentials
    for (const key of keys.slice(this.#revoked)) this.#ses.distrust(key)
    this.#revoked = keys.length
  }

  /** Makes all issued keys invalid except the latest two. */
  expireKeys(): void {
    const { keys, requests } = this.#credentials
    const expired = keys.slice(this.#revoked, -2)
    for (const key of expired) this.#ses.distrust(key)
    this.#revoked += expired.length
    requests.length = 0
  }

  /** Fails requests for keys until `resumeIssuingKeys`. */
  stopIssuingKeys(): void {
    this.#credentials.refusal = { status: 500, body: 'broken' }
  }

  resumeIssuingKeys(): void {
    this.#credentials.refusal = undefined
  }

  async close(): Promise<void> {
    await this.#ses.close()
    await this.#credentials.close()
  }

  #rejectsNext(): boolean {
    // One at the beginning, so that a short soak has this fault.
    const draw = this.#random.below(1000)
    const chosen = this.#faulty && (this.#ses.requests === 30 || draw < unreadPerThousand)
    if (chosen) this.#count(unreadFault)
    return chosen
  }

  #decide({ source, destinations, data }: SesCall): Decision {
    const number = readRecipient(destinations[0] ?? '')?.number ?? -1
    const before = this.#calls.get(number) ?? 0
    this.#calls.set(number, before + 1)
    const [oldest] = this.#calls.keys()
    if (this.#calls.size > 50_000) this.#calls.delete(oldest!)
    const fault = this.#faulty ? faultOf(this.#options.seed, number, before) : undefined
    if (fault) this.#count(fault.name)
    const { received, content } = splitReceived(data)
    const call = this.#ledger.addCall({
      sender: source,
      recipients: destinations,
      content,
      connection: /^Received: from (\S+)/.exec(received)?.[1] ?? '',
      accepted: fault?.isAccepted ?? true,
      how: fault?.name ?? 'accepted',
      rejected: fault?.name === 'rejected',
    })
    const outcome = fault?.outcome ?? { type: 'accept' as const }
    // A fault that is known from the status does not depend on the end of the answer.
    const early = fault?.knowable === 'by the status'
    if (call && early) this.#ledger.answered(call, true)
    return {
      outcome: outcome.type === 'accept' ? { ...outcome, messageId: `soak-${++this.#messages}` } : outcome,
      afterMs: fault?.afterMs ?? this.#random.below(this.#options.answerMs + 1),
      answered: whole => {
        if (call && !early) this.#ledger.answered(call, whole && fault?.knowable !== 'never')
      },
    }
  }

  #count(name: string): void {
    this.faults.set(name, (this.faults.get(name) ?? 0) + 1)
  }
}

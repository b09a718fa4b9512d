/** Disruptions of the program or the service during a soak. */
export const disruptions = [
  'the program is stopped and started',
  'the program is killed and started',
  'a worker is killed',
  'the service is away',
  'the keys are revoked',
  'no new keys are issued',
  'the certificate is reloaded on a signal',
  'the certificate is reloaded after a change',
] as const
export type Disruption = (typeof disruptions)[number]

/** A kind of soak. */
export interface Profile {
  /** Whether the service has faults. */
  readonly faults: boolean
  /** Whether some clients disconnect during a message. */
  readonly disconnects: boolean
  readonly disruptions: readonly Disruption[]
  /** Longest time of an answer of the service without a fault, in milliseconds. */
  readonly answerMs: number
}

/** All kinds of soaks. */
export const profiles = {
  faulty: { faults: true, disconnects: true, disruptions, answerMs: 0 },
  /** No faults and no disruptions: measures the throughput. */
  calm: { faults: false, disconnects: false, disruptions: [], answerMs: 0 },
  /** Only restarts with messages in progress. Every duplicate is a bug. */
  restarts: {
    faults: false,
    disconnects: false,
    disruptions: ['the program is stopped and started'],
    answerMs: 80,
  },
} satisfies Readonly<Record<string, Profile>>

/** What befalls the whole set-up. */
export const happenings = [
  'the program is stopped and started',
  'the program is killed and started',
  'a worker is killed',
  'the service is away',
  'the keys are revoked',
  'no new keys are handed out',
  'the certificate is read again at a signal',
  'the certificate is read again because it changed',
] as const
export type Happening = (typeof happenings)[number]

/** What may happen in a soak. */
export interface Profile {
  /** Whether the service has faults. */
  readonly faults: boolean
  /** Whether clients leave in the middle. */
  readonly leaving: boolean
  readonly happenings: readonly Happening[]
  /** Milliseconds that the service takes at most for an answer without a fault. */
  readonly answerMs: number
}

/** The profiles that a soak can have. */
export const profiles = {
  faulty: { faults: true, leaving: true, happenings, answerMs: 0 },
  /** Nothing happens: what the program can do. */
  calm: { faults: false, leaving: false, happenings: [], answerMs: 0 },
  /** Nothing but restarts, with mails under way: no excuse holds for anything. */
  restarts: {
    faults: false,
    leaving: false,
    happenings: ['the program is stopped and started'],
    answerMs: 80,
  },
} satisfies Readonly<Record<string, Profile>>

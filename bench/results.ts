import type { LoadName } from './loads.ts'
import type { SubjectName } from './subjects.ts'

/** One figure measured several times. */
export interface Figure {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** What a load cost a subject. */
export interface LoadCost {
  readonly cpuMs: Figure
  readonly mailsPerSecond: Figure
  readonly stallMs: Figure
  /** The most memory that its process ever had; each load has fresh ones. */
  readonly peakBytes: number
}

/** What a load cost all those that bore it. */
export type LoadCosts = Readonly<Partial<Record<SubjectName, LoadCost>>>

/** From the moment it was asked for until it listens. */
export interface StartCost {
  readonly ms: Figure
  readonly cpuMs: Figure
  readonly awsClients: readonly string[]
}

/** Many clients at once, a large mail each. */
export interface Siege {
  readonly clients: number
  /** What the program was told to use, 0 where it cannot be told. */
  readonly budgetBytes: number
  readonly peakBytes: number
  readonly stallMs: number
  readonly taken: number
  readonly deferred: number
  readonly refused: number
  readonly silent: number
  /** Mails that the stand-in of SES has read whole. */
  readonly arrived: number
  /** Why the program ended, if it did. */
  readonly died?: string
}

/** Where it was measured; nothing that tells whose machine it is. */
export interface Machine {
  readonly node: string
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly system: string
}

/** Everything that one run has found. */
export interface Results {
  /** The day, as 2026-11-22. */
  readonly date: string
  readonly machine: Machine
  readonly quick: boolean
  readonly rounds: number
  readonly turnSeconds: number
  readonly costs: Readonly<Record<LoadName, LoadCosts>>
  /** Bytes of memory for a session that does nothing. */
  readonly idle: Readonly<Partial<Record<SubjectName, number>>>
  readonly idleSessions: number
  readonly starts: Readonly<Record<'discard' | 'ses', StartCost>>
  /** Node.js with nothing to do. */
  readonly emptyStart: Pick<StartCost, 'ms' | 'cpuMs'>
  readonly siege: Siege
  /** Server CPU in ms for a mail of 2 MiB. */
  readonly bodies: Readonly<Record<'plain' | 'stuffed', number>>
  /** CPU of the engine in ms for mails that come an octet at a time. */
  readonly octets: Readonly<Record<'one' | 'two', number>>
  /** Packages that are installed with the program, those that the AWS clients bring apart. */
  readonly packages: Readonly<Record<'aws' | 'own', readonly string[]>>
}

/** The figure in the middle, and how far the others were from it. */
export function figureOf(numbers: readonly number[]): Figure {
  const sorted = numbers.toSorted((a, b) => a - b)
  return { median: sorted[Math.floor(sorted.length / 2)]!, low: sorted[0]!, high: sorted.at(-1)! }
}

import type { LoadName } from '../load/loads.ts'
import type { ServerName } from '../servers/servers.ts'

/** A figure that was measured several times. */
export interface Figure {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** What a load cost a server. */
export interface LoadCost {
  readonly cpuMs: Figure
  readonly messagesPerSecond: Figure
  readonly stallMs: Figure
  /** Peak memory of its process. Each load uses new processes. */
  readonly peakBytes: number
}

/** What a load cost each server that was measured with it. */
export type LoadCosts = Readonly<Partial<Record<ServerName, LoadCost>>>

/** The cost of a start, until the server listens. */
export interface StartCost {
  readonly ms: Figure
  readonly cpuMs: Figure
  readonly awsClients: readonly string[]
}

/** The result of many clients that send a large message each at the same time. */
export interface MemoryPressure {
  readonly clients: number
  /** The memory for messages that the program may use. 0 if it has no such option. */
  readonly budgetBytes: number
  readonly peakBytes: number
  readonly stallMs: number
  readonly accepted: number
  readonly deferred: number
  readonly rejected: number
  readonly unanswered: number
  /** Messages that the fake SES has read completely. */
  readonly delivered: number
  /** Why the program ended, if it ended. */
  readonly exitReason?: string
}

/** The machine, without anything that identifies it. */
export interface Machine {
  readonly node: string
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly system: string
}

/** All results of a run. */
export interface Results {
  /** The date, for example 2026-11-22. */
  readonly date: string
  readonly machine: Machine
  readonly quick: boolean
  readonly rounds: number
  readonly roundSeconds: number
  readonly costs: Readonly<Record<LoadName, LoadCosts>>
  /** Memory of an idle session, in bytes. */
  readonly idle: Readonly<Partial<Record<ServerName, number>>>
  readonly idleSessions: number
  readonly starts: Readonly<Record<'discard' | 'ses', StartCost>>
  /** The start of Node.js with an empty program. */
  readonly emptyStart: Pick<StartCost, 'ms' | 'cpuMs'>
  readonly memoryPressure: MemoryPressure
  /** Server CPU for a message of 2 MiB, in milliseconds. */
  readonly bodyCost: Readonly<Record<'plain' | 'stuffed', number>>
  /** CPU of the engine for messages of 1 and 2 MiB that arrive byte by byte, in milliseconds. */
  readonly scanCost: Readonly<Record<'one' | 'two', number>>
  /** Installed packages: those that the AWS clients need, and all others. */
  readonly packages: Readonly<Record<'aws' | 'own', readonly string[]>>
}

/** Returns the median, the lowest and the highest number. */
export function figureOf(numbers: readonly number[]): Figure {
  const sorted = numbers.toSorted((a, b) => a - b)
  return { median: sorted[Math.floor(sorted.length / 2)]!, low: sorted[0]!, high: sorted.at(-1)! }
}

/** How much memory all connections together may take, when the process has to stay within its limits. */
import type { ProcessLimits } from './process-limits.ts'

const MiB = 1024 * 1024

/** Garbage that V8 has not collected yet, freed memory that is not returned yet, and what starts to be used under load. */
const garbageBytes = 90 * MiB
/** Garbage that the content of messages leaves, as a part of that content: 160 MB were seen in all beside 256 MiB. */
const contentGarbage = 0.25
/** What the program itself and the delivery of messages take of V8's heap. */
const heapReserveBytes = 48 * MiB
/** The part of the rest of the heap that connections may fill; collecting garbage needs room. */
const heapShare = 0.7
/** Connections may always take this much, which is enough for a thousand idle clients in the clear. */
const leastBytes = 8 * MiB
/** Bytes that an idle connection in the clear takes; the same as in `transport/connections.ts`. */
const idleBytes = 8 * 1024

/** What is taken into account besides the limits of the process. */
export interface MemoryUse {
  /** What the content of messages may take, in bytes. */
  readonly messageBytes: number
  /** Connections that may be open at once. */
  readonly connections: number
  /** Processes that share the limit of the cgroup and serve clients. */
  readonly workers: number
  /** What this process has taken before it serves clients, in bytes. */
  readonly residentBytes: number
}

/** What is left for connections. */
export interface ConnectionMemory {
  /**
   * Returns the bytes that connections may take now.
   * @param usedByMessages bytes that the content of messages takes now
   */
  bytes(usedByMessages: number): number
  /** A sentence for the operator about what does not fit; `undefined` if everything fits. */
  readonly warning: string | undefined
}

/**
 * Divides what the cgroup and V8 allow this process: what connections may take is what the program itself, garbage and
 * the content of messages leave of it.
 */
export function connectionMemory(
  { memoryBytes = Number.POSITIVE_INFINITY, heapBytes }: Omit<ProcessLimits, 'openFiles'>,
  { messageBytes, connections, workers, residentBytes }: MemoryUse,
): ConnectionMemory {
  // The primary of several workers takes about as much as one of them before it serves.
  const ownBytes = workers > 1 ? (memoryBytes - residentBytes) / workers : memoryBytes
  const processBytes = ownBytes - residentBytes - garbageBytes
  const inHeap = (heapBytes - heapReserveBytes) * heapShare
  const bytes = (usedByMessages: number) => {
    const left = processBytes - usedByMessages * (1 + contentGarbage)
    return Math.max(Math.min(left, inHeap), leastBytes)
  }
  const wanted = messageBytes + connections * idleBytes
  if (wanted <= processBytes) return { bytes, warning: undefined }
  const mebibytes = (count: number) => `${Math.round(count / MiB)} MiB`
  const warning =
    `The memory limit of this process (${mebibytes(ownBytes)}) leaves ${mebibytes(Math.max(processBytes, 0))} for messages ` +
    `and connections, but --message-memory (${mebibytes(messageBytes)}) and ${connections} idle connections ` +
    `(${mebibytes(connections * idleBytes)}) may take ${mebibytes(wanted)}: under load clients are refused with 421; ` +
    'raise the limit, or lower --message-memory or --max-connections'
  return { bytes, warning }
}

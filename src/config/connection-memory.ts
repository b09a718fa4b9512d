/** The memory that all connections together may take, so that the process stays within its limits. */
import type { ProcessLimits } from './process-limits.ts'

const MiB = 1024 * 1024

/**
 * Garbage that V8 has not collected yet, freed memory that is not returned yet, and memory that is used under
 * load only.
 */
const garbageBytes = 90 * MiB
/**
 * Garbage that the content of messages leaves, as a fraction of it. 160 MB in all were measured with 256 MiB
 * of content.
 */
const contentGarbageFraction = 0.25
/** Heap that the program itself and the delivery of messages need. */
const heapReserveBytes = 48 * MiB
/** The fraction of the remaining heap that connections may fill. Garbage collection needs free space. */
const heapFraction = 0.7
/** Connections may always take this much. It is enough for a thousand idle clients without TLS. */
const minBytes = 8 * MiB
/** Memory of an idle connection without TLS; the same as in `transport/connections.ts`. */
const idleBytes = 8 * 1024

/** What has to fit into the limits of the process. */
export interface MemoryUse {
  /** The maximum for the content of messages, in bytes. */
  readonly messageBytes: number
  /** The maximum of connections. */
  readonly connections: number
  /** The number of processes that serve clients and share the limit of the cgroup. */
  readonly workers: number
  /** Memory that this process takes before it serves clients, in bytes. */
  readonly residentBytes: number
}

/** The memory that is left for connections. */
export interface ConnectionMemory {
  /**
   * Returns the number of bytes that connections may take now.
   * @param usedByMessages bytes that the content of messages takes now
   */
  bytes(usedByMessages: number): number
  /** A sentence for the operator if the limits of the configuration do not fit; otherwise `undefined`. */
  readonly warning: string | undefined
}

/**
 * Divides the memory that the cgroup and V8 allow this process. Connections get what the program itself,
 * garbage and the content of messages leave.
 */
export function connectionMemory(
  { memoryBytes = Number.POSITIVE_INFINITY, heapBytes }: Omit<ProcessLimits, 'openFiles'>,
  { messageBytes, connections, workers, residentBytes }: MemoryUse,
): ConnectionMemory {
  // The primary of several workers takes about as much as a worker before it serves clients.
  const ownBytes = workers > 1 ? (memoryBytes - residentBytes) / workers : memoryBytes
  const processBytes = ownBytes - residentBytes - garbageBytes
  const inHeap = (heapBytes - heapReserveBytes) * heapFraction
  const bytes = (usedByMessages: number) => {
    const left = processBytes - usedByMessages * (1 + contentGarbageFraction)
    return Math.max(Math.min(left, inHeap), minBytes)
  }
  const wanted = messageBytes + connections * idleBytes
  if (wanted <= processBytes) return { bytes, warning: undefined }
  const inMebibytes = (count: number) => `${Math.round(count / MiB)} MiB`
  const warning =
    `The memory limit of this process (${inMebibytes(ownBytes)}) leaves ${inMebibytes(Math.max(processBytes, 0))} for messages ` +
    `and connections, but --message-memory (${inMebibytes(messageBytes)}) and ${connections} idle connections ` +
    `(${inMebibytes(connections * idleBytes)}) may take ${inMebibytes(wanted)}: under load clients get 421. ` +
    'Raise the limit, or lower --message-memory or --max-connections'
  return { bytes, warning }
}

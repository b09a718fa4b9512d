import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import type { Machine } from '../report/results.ts'

/** Returns the properties of the machine that affect the figures, but nothing that identifies it. */
export function describeMachine(): Machine {
  return {
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
  }
}

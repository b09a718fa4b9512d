import type { Load } from '../load/loads.ts'
import { MeasuredChild } from '../servers/child-process.ts'
import type { ServerProcess } from '../servers/server-process.ts'

/** What one round of a load cost a server. */
export interface RoundCost {
  readonly cpuMsPerMessage: number
  readonly messagesPerSecond: number
  readonly stallMs: number
}

/** Applies a load to a server from another process for this time, and measures the server. */
export async function applyLoad(server: ServerProcess, load: Load, seconds: number): Promise<RoundCost> {
  const { connections, bytes, connection } = load
  const before = await server.usage('begin')
  const clients = new MeasuredChild('load/send-messages.mjs', [
    server.port,
    connections,
    seconds,
    bytes,
    connection,
  ])
  // If the server has ended too, its error is the reason: `usage` throws it.
  const sent = await clients.request<{ seconds: number; messages: number }>().catch(async error => {
    await server.usage()
    throw error
  })
  const after = await server.usage('end')
  await clients.stop()
  return {
    cpuMsPerMessage: (after.cpuMs - before.cpuMs) / sent.messages,
    messagesPerSecond: sent.messages / sent.seconds,
    stallMs: after.stallMs,
  }
}

import { MeasuredChild } from '../servers/child-process.ts'
import { type ServerName, startServer } from '../servers/servers.ts'

/** Returns the memory in bytes of an idle session after EHLO, without the memory of the kernel. */
export async function measureIdleSession(name: ServerName, sessions: number): Promise<number> {
  const server = await startServer(name)
  // The first sessions allocate objects that all sessions share. They are not measured.
  const first = await hold(server.port, 200)
  await first.stop()
  const before = await server.usage('collect')
  const held = await hold(server.port, sessions)
  const after = await server.usage('collect')
  await held.stop()
  await server.stop()
  return (after.residentBytes - before.residentBytes) / sessions
}

async function hold(port: number, sessions: number): Promise<MeasuredChild> {
  const child = new MeasuredChild('load/hold-sessions.mjs', [port, sessions])
  await child.request()
  return child
}

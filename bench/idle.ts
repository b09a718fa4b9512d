import { Child } from './child.ts'
import { type SubjectName, startSubject } from './subjects.ts'

/** Bytes of memory that a session takes which was greeted, said EHLO and is silent, the kernel's share not counted. */
export async function measureIdle(name: SubjectName, sessions: number): Promise<number> {
  const subject = await startSubject(name)
  // What is made once, for the first of them, is no part of what one more takes.
  const first = await hold(subject.port, 200)
  await first.stop()
  const before = await subject.usage('collect')
  const held = await hold(subject.port, sessions)
  const after = await subject.usage('collect')
  await held.stop()
  await subject.stop()
  return (after.residentBytes - before.residentBytes) / sessions
}

async function hold(port: number, sessions: number): Promise<Child> {
  const child = new Child('sessions.mjs', [port, sessions])
  await child.ask()
  return child
}

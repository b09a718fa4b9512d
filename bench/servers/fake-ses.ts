import { MeasuredChild } from './child-process.ts'

/** A fake SES in a child process. */
export interface FakeSes {
  readonly port: number
  /** Returns the number of messages that it has read completely. */
  messages(): Promise<number>
  stop(): Promise<void>
}

/** Starts a fake SES and waits until it listens. */
export async function startFakeSes(): Promise<FakeSes> {
  const child = new MeasuredChild('servers/fake-ses.mjs', [0], {}, [
    '--import',
    new URL('probe.mjs', import.meta.url).href,
  ])
  const { port } = await child.request<{ port: number }>()
  return {
    port,
    messages: async () => (await child.request<{ messages: number }>('messages')).messages,
    stop: () => child.stop(),
  }
}

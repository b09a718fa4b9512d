import { Child } from './child.ts'

/** The stand-in of SES, in a process of its own. */
export interface SesSink {
  readonly port: number
  /** Mails that it has read whole. */
  mails(): Promise<number>
  stop(): Promise<void>
}

/** Resolves when it listens. */
export async function startSesSink(): Promise<SesSink> {
  const child = new Child('ses-sink.mjs', [0], {}, ['--import', new URL('probe.mjs', import.meta.url).href])
  const { port } = await child.ask<{ port: number }>()
  return {
    port,
    mails: async () => (await child.ask<{ mails: number }>('mails')).mails,
    stop: () => child.stop(),
  }
}

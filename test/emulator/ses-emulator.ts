import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { within } from '../support/deadline.ts'
import { Lines } from '../support/lines.ts'
import type { Scope } from '../support/temporary-directory.ts'

/** A message as the emulator keeps it: taken apart, and named by the message id of its answer. */
export interface KeptMail {
  readonly messageId: string
  /** The `From` header; for version 1 of the API the `RawValue` of the call where there is no such header. */
  readonly from: string
  /** What the headers say. Of the recipients of the call the emulator keeps nothing. */
  readonly destination: {
    readonly to: readonly string[]
    readonly cc: readonly string[]
    readonly bcc: readonly string[]
  }
  readonly subject: string
  readonly body: { readonly text?: string }
  readonly attachments: readonly {
    readonly filename: string
    readonly contentType: string
    /** Base64 of the bytes of the part. */
    readonly content: string
  }[]
}

const packageName = 'aws-ses-v2-local'

/** Why there is no emulator here; undefined where there is one. */
export const missing = locate() === undefined ? `the package ${packageName} is not installed` : undefined

/**
 * The emulator of Amazon SES of the npm package aws-ses-v2-local, which is nothing of ours: it serves `SendRawEmail` of
 * version 1 of the API and `SendEmail` and `GetAccount` of version 2. It is started as its users start it,
 *
 *     node …/aws-ses-v2-local/dist/cli.js --host 127.0.0.1 --port 0
 *
 * and the line in which it says that it runs tells the port. `GET /store` shows what it was sent.
 */
export class SesEmulator {
  readonly #origin: string
  #taken = 0

  private constructor(origin: string) {
    this.#origin = origin
  }

  /** It is ended with the scope. @param env variables besides `PATH` */
  static async start(scope: Scope, env: Readonly<Record<string, string>> = {}): Promise<SesEmulator> {
    const child = spawn(process.execPath, [locate()!, '--host', '127.0.0.1', '--port', '0'], {
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    scope.after(async () => {
      child.kill('SIGKILL')
      await within(exited, 'the emulator to end')
    })
    const line = await new Lines(child.stdout).find(/server running at|failed to start/)
    const [, port] = /server running at http:\/\/localhost:(\d+)$/.exec(line) ?? []
    if (port === undefined) throw new Error(`the emulator said: ${line}`)
    return new SesEmulator(`http://127.0.0.1:${port}`)
  }

  /** The environment in which the program uses it as Amazon SES. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.#origin,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
    }
  }

  /** The messages that it got since the last call, in order. */
  async take(): Promise<readonly KeptMail[]> {
    const response = await fetch(`${this.#origin}/store`, { signal: AbortSignal.timeout(10_000) })
    const { emails } = (await response.json()) as { emails: readonly KeptMail[] }
    const fresh = emails.slice(this.#taken)
    this.#taken = emails.length
    return fresh
  }
}

function locate(): string | undefined {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(packageName)), 'cli.js')
  } catch {
    return undefined
  }
}

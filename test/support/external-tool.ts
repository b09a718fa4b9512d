import { spawn, spawnSync } from 'node:child_process'
import { within } from './deadline.ts'

/** The exit code and output of a program. */
export interface ToolResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Returns why a test that needs this program must be skipped, or false. Pass it to a test as `skip`. */
export function missingTool(tool: string, versionFlag = '--version'): string | false {
  const { error } = spawnSync(tool, [versionFlag], { stdio: 'ignore' })
  return error === undefined ? false : `${tool} is not installed`
}

/** Runs a program until it ends. @param input its standard input @param ms longest run time */
export async function runTool(
  tool: string,
  args: readonly string[],
  input: string | Buffer = '',
  ms = 60_000,
): Promise<ToolResult> {
  // Without the settings of the developer's account.
  const child = spawn(tool, args, { env: { PATH: process.env.PATH, HOME: '/nonexistent' } })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes))
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes))
  // The program may end before it has read everything. Its exit code shows whether that is an error.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('latin1')
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  try {
    const code = await within(ended, `${tool} to end`, () => text(stderr) + text(stdout), ms)
    return { code, stdout: text(stdout), stderr: text(stderr) }
  } finally {
    child.kill('SIGKILL')
  }
}

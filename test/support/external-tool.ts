import { spawn, spawnSync } from 'node:child_process'
import { within } from './deadline.ts'

/** How a program ended, and what it said. */
export interface ToolResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Why tests that need this program cannot run here; false where they can. To be given to a test as `skip`. */
export function missingTool(tool: string, versionFlag = '--version'): string | false {
  const { error } = spawnSync(tool, [versionFlag], { stdio: 'ignore' })
  return error === undefined ? false : `${tool} is not installed`
}

/** Runs a program until it ends. @param input what it reads on its standard input @param ms how long it may take */
export async function runTool(
  tool: string,
  args: readonly string[],
  input: string | Buffer = '',
  ms = 60_000,
): Promise<ToolResult> {
  // No settings of the tester's own.
  const child = spawn(tool, args, { env: { PATH: process.env.PATH, HOME: '/nonexistent' } })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes))
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes))
  // It may be gone before it has read everything; its exit code tells.
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

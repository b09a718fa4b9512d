import { fileURLToPath } from 'node:url'
import { runTool, type ToolResult } from '../support/external-tool.ts'

const program = fileURLToPath(new URL('../../dist/transcript/cli.js', import.meta.url))

/** Runs `smtp-transcript` as users do, until it ends. @param input what it reads on its standard input */
export function smtpTranscript(args: readonly string[], input = ''): Promise<ToolResult> {
  return runTool(process.execPath, [program, ...args], input)
}

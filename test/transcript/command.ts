import { fileURLToPath } from 'node:url'
import { runTool, type ToolResult } from '../support/external-tool.ts'

const program = fileURLToPath(new URL('../../dist/transcript/cli.js', import.meta.url))

/** Runs `smtp-transcript` until it ends. @param input its standard input */
export function smtpTranscript(args: readonly string[], input = ''): Promise<ToolResult> {
  return runTool(process.execPath, [program, ...args], input)
}

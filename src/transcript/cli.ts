#!/usr/bin/env node
/** The command `smtp-transcript`: what it is told, what it says, and its exit status. */
import { escapeForTerminal } from '../support/escape.ts'
import { version } from '../support/version.ts'
import { type Arguments, readArguments, UsageError } from './commands/arguments.ts'
import { importSwaks } from './commands/import.ts'
import { play } from './commands/play.ts'
import { record } from './commands/record.ts'
import { replay } from './commands/replay.ts'
import { commandNamed } from './commands/table.ts'
import { commandHelp, helpText } from './commands/usage.ts'

type Run = (given: Arguments, say: (text: string) => void) => Promise<number>

const runs: Readonly<Record<string, Run>> = { play, replay, import: importSwaks, record }

// Who reads the output with `head` has seen enough.
process.stdout.on('error', () => {})

const [name = '', ...words] = process.argv.slice(2)
process.exitCode = await main().catch((error: Error) => {
  process.stderr.write(`${escapeForTerminal(error.message)}\n`)
  return 2
})

async function main(): Promise<number> {
  if (name === '--help' || name === 'help') return say(helpText())
  if (name === '--version') return say(`${version()}\n`)
  const command = commandNamed(name)
  if (command === undefined) {
    const fault = name === '' ? 'a command is missing' : `no such command: ${escapeForTerminal(name)}`
    process.stderr.write(`${fault}\n${helpText()}`)
    return 2
  }
  if (words.includes('--help')) return say(commandHelp(command))
  try {
    return await runs[command.name]!(readArguments(command, words), say)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`${escapeForTerminal(error.message)}\n${commandHelp(command)}`)
    return 2
  }
}

function say(text: string): 0 {
  process.stdout.write(text)
  return 0
}

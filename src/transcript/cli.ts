#!/usr/bin/env node
/** The command `smtp-transcript`: parses the command line, runs a command, and sets the exit status. */
import { escapeForTerminal } from '../support/escape.ts'
import { version } from '../support/version.ts'
import { type Arguments, readArguments, UsageError } from './commands/arguments.ts'
import { commandNamed } from './commands/commands.ts'
import { commandHelp, toolHelpText } from './commands/help.ts'
import { importSwaks } from './commands/import.ts'
import { play } from './commands/play.ts'
import { record } from './commands/record.ts'
import { replay } from './commands/replay.ts'

type CommandHandler = (args: Arguments, print: (text: string) => void) => Promise<number>

const handlers: Readonly<Record<string, CommandHandler>> = { play, replay, import: importSwaks, record }

// A reader such as `head` closes the pipe early. That is not an error.
process.stdout.on('error', () => {})

const [name = '', ...words] = process.argv.slice(2)
process.exitCode = await main().catch((error: Error) => {
  process.stderr.write(`${escapeForTerminal(error.message)}\n`)
  return 2
})

async function main(): Promise<number> {
  if (name === '--help' || name === 'help') return print(toolHelpText())
  if (name === '--version') return print(`${version()}\n`)
  const command = commandNamed(name)
  if (command === undefined) {
    const problem = name === '' ? 'a command is missing' : `no such command: ${escapeForTerminal(name)}`
    process.stderr.write(`${problem}\n${toolHelpText()}`)
    return 2
  }
  if (words.includes('--help')) return print(commandHelp(command))
  try {
    return await handlers[command.name]!(readArguments(command, words), print)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`${escapeForTerminal(error.message)}\n${commandHelp(command)}`)
    return 2
  }
}

function print(text: string): 0 {
  process.stdout.write(text)
  return 0
}

import { type ToolCommand, toolCommands } from './commands.ts'

/** Returns the text of `smtp-transcript --help`. */
export function toolHelpText(): string {
  return [
    'Usage: smtp-transcript COMMAND [options]',
    '',
    ...wrap('Plays, replays and records transcripts: SMTP dialogues in readable text files.', width),
    '',
    ...toolCommands.flatMap(({ name, summary }) => entry(name, summary)),
    '',
    'smtp-transcript COMMAND --help lists its options; --version prints the version.',
    '',
  ].join('\n')
}

/** Returns the text of `smtp-transcript COMMAND --help`. */
export function commandHelp({ name, operands, summary, options, notes }: ToolCommand): string {
  return [
    `Usage: smtp-transcript ${[name, '[options]', operands].join(' ').trim()}`,
    '',
    ...wrap(summary, width),
    '',
    ...options.flatMap(({ name, value, help }) => entry(`--${[name, value].join(' ').trim()}`, help)),
    '',
    ...wrap(notes, width),
    '',
  ].join('\n')
}

const width = 80
/** Column of the descriptions. */
const column = 24

function entry(name: string, description: string): string[] {
  const [first = '', ...rest] = wrap(description, width - column)
  const head = `  ${name}`
  const indented = rest.map(line => ' '.repeat(column) + line)
  if (head.length > column - 2) return [head, ' '.repeat(column) + first, ...indented]
  return [head.padEnd(column) + first, ...indented]
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line !== undefined && line.length + word.length < columns) lines.push(`${lines.pop()} ${word}`)
    else lines.push(word)
  }
  return lines
}

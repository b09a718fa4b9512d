import { type Command, commands } from './table.ts'

/** What `smtp-transcript --help` prints. */
export function helpText(): string {
  return [
    'Usage: smtp-transcript COMMAND [options]',
    '',
    ...wrap(
      'Plays, compares and records SMTP dialogues, which are text files that a person can read.',
      width,
    ),
    '',
    ...commands.flatMap(({ name, summary }) => entry(name, summary)),
    '',
    'smtp-transcript COMMAND --help tells more; --version prints the version.',
    '',
  ].join('\n')
}

/** What `smtp-transcript COMMAND --help` prints. */
export function commandHelp({ name, operands, summary, flags, notes }: Command): string {
  return [
    `Usage: smtp-transcript ${[name, '[options]', operands].join(' ').trim()}`,
    '',
    ...wrap(summary, width),
    '',
    ...flags.flatMap(({ name, value, help }) => entry(`--${[name, value].join(' ').trim()}`, help)),
    '',
    ...wrap(notes, width),
    '',
  ].join('\n')
}

const width = 80
/** Where the meaning of an option begins. */
const column = 24

function entry(name: string, meaning: string): string[] {
  const [first = '', ...more] = wrap(meaning, width - column)
  const head = `  ${name}`
  const indented = more.map(line => ' '.repeat(column) + line)
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

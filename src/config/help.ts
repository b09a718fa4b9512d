import { headings, type Name, optionOf, secretVariables } from './option.ts'

/** Returns the text of `--help`: every option, in at most 80 columns. */
export function helpText(): string {
  return [
    'Usage: aws-smtp-relay [options]',
    '',
    'SMTP server that relays mail through Amazon SES.',
    '',
    ...headings.flatMap(([heading, names]) => [
      `${heading}:`,
      ...names.flatMap(name => entry(synopsis(name), description(name))),
      '',
    ]),
    ...wrap(
      'Every option can also be set by an environment variable: SMTP_RELAY_ and the long name in capitals, so ' +
        'SMTP_RELAY_MAX_SIZE is --max-size. The command line takes precedence, and an empty value means the ' +
        'default. Options take one dash or two. A value follows after a space or "=", that of a boolean after "=" ' +
        'only.',
      80,
    ),
    '',
    'Environment variables that are not options:',
    '',
    ...Object.entries(secretVariables).flatMap(([name, help]) => entry(`  ${name}`, help)),
    ...entry('  AWS_*', 'Region and credentials, as for every AWS SDK'),
    '',
  ].join('\n')
}

/** Returns the options as a Markdown table, for docs/options.md. */
export function helpTable(): string {
  const groups = headings.flatMap(([heading, names]) => [[`**${heading}**`, '', ''], ...names.map(cells)])
  const secrets = Object.entries(secretVariables).map(([name, help]) => [`\`${name}\``, '', help])
  return [
    ['Option', 'Default', 'Meaning'],
    ['---', '---', '---'],
    ...groups,
    ['**Environment only**', '', ''],
    ...secrets,
  ]
    .map(cells => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
    .join('')
}

/** The column in which the description of an option begins. */
const descriptionColumn = 34

function synopsis(name: Name): string {
  const { short, value } = optionOf(name)
  return `  ${short === undefined ? '   ' : `-${short},`} --${name}${value === undefined ? '' : ` ${value}`}`
}

function description(name: Name): string {
  const { type, defaultValue, defaultText, help } = optionOf(name)
  if (defaultText !== undefined) return `${help} (default: ${defaultText})`
  if (defaultValue === undefined || type.argument === 'optional') return help
  return `${help} (default ${/[ :]/.test(defaultValue) ? `"${defaultValue}"` : defaultValue})`
}

function cells(name: Name): readonly string[] {
  const { short, value, defaultValue, defaultText, help } = optionOf(name)
  return [
    `${short === undefined ? '' : `\`-${short}\` `}\`--${name}${value === undefined ? '' : ` ${value}`}\``,
    defaultValue === undefined ? (defaultText ?? '') : `\`${defaultValue}\``,
    help,
  ]
}

function entry(left: string, right: string): readonly string[] {
  const lines = wrap(right, 80 - descriptionColumn).map(line => ' '.repeat(descriptionColumn) + line)
  if (left.length > descriptionColumn - 2) return [left, ...lines]
  return [left + (lines[0] ?? '').slice(left.length), ...lines.slice(1)]
}

function wrap(text: string, width: number): readonly string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string
    if (line === '') lines[lines.length - 1] = word
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}

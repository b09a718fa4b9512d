import { headings, type Name, optionOf, secretVariables, variableOf } from './option.ts'

/** What `--help` prints: every option in at most 80 columns. */
export function helpText(): string {
  return [
    'Usage: aws-smtp-relay [options]',
    '',
    'SMTP server that relays mail through Amazon SES.',
    '',
    ...headings.flatMap(([heading, names]) => [
      `${heading}:`,
      ...names.flatMap(name => entry(synopsis(name), meaning(name))),
      '',
    ]),
    ...wrap(
      'Every option may also be given as an environment variable, its long name in capitals behind ' +
        'SMTP_RELAY_: SMTP_RELAY_MAX_SIZE is --max-size. The command line wins, and an empty value means the ' +
        'default. Options take one dash or two, and their value behind a space or "=", booleans behind "=" only.',
      80,
    ),
    '',
    'Read from the environment only:',
    '',
    ...Object.entries(secretVariables).flatMap(([name, help]) => entry(`  ${name}`, help)),
    ...entry('  AWS_*', 'region and credentials, as everywhere with AWS'),
    '',
  ].join('\n')
}

/** The options as a Markdown table, for the README. */
export function helpTable(): string {
  const rows = headings.flatMap(([heading, names]) => [[`**${heading}**`, '', '', ''], ...names.map(cells)])
  const secrets = Object.entries(secretVariables).map(([name, help]) => ['', `\`${name}\``, '', help])
  return [
    ['Option', 'Variable', 'Default', 'Meaning'],
    ['---', '---', '---', '---'],
    ...rows,
    ['**Environment only**', '', '', ''],
    ...secrets,
  ]
    .map(cells => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
    .join('')
}

/** Where the meaning of an option begins. */
const column = 34

function synopsis(name: Name): string {
  const { short, value } = optionOf(name)
  return `  ${short === undefined ? '   ' : `-${short},`} --${name}${value === undefined ? '' : ` ${value}`}`
}

function meaning(name: Name): string {
  const { type, defaultValue, defaultText, help } = optionOf(name)
  if (defaultText !== undefined) return `${help} (default: ${defaultText})`
  if (defaultValue === undefined || type.type === 'boolean') return help
  return `${help} (default ${/[ :]/.test(defaultValue) ? `"${defaultValue}"` : defaultValue})`
}

function cells(name: Name): readonly string[] {
  const { short, value, defaultValue, defaultText, help } = optionOf(name)
  const variable = variableOf(name)
  return [
    `${short === undefined ? '' : `\`-${short}\` `}\`--${name}${value === undefined ? '' : ` ${value}`}\``,
    variable === undefined ? '' : `\`${variable}\``,
    defaultValue === undefined ? (defaultText ?? '') : `\`${defaultValue}\``,
    help,
  ]
}

function entry(left: string, right: string): readonly string[] {
  const lines = wrap(right, 80 - column).map(line => ' '.repeat(column) + line)
  if (left.length > column - 2) return [left, ...lines]
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

import minimist from 'minimist'
import { type Name, names, optionOf } from './option.ts'
import { invalidValueMessage, readText } from './resolve.ts'

/** What a command line says: texts by long name, or one of the actions, or what is wrong with it. */
export type CommandLine =
  | { readonly type: 'flags'; readonly given: ReadonlyMap<Name, string> }
  | { readonly type: 'help' | 'version' }
  | { readonly type: 'usage'; readonly message: string }

/**
 * Reads a command line by the rules, and with the sentences, of Go's flag package: one dash or two, `-x v` or `-x=v`,
 * a value may begin with a dash, a boolean takes a value with `=` only, letters are not grouped, and of repeated options
 * the last one wins. One rule differs: Go silently ignores everything from the first argument that is no option, so that
 * `-s false -t` would listen without the `-t`; here such an argument is an error.
 */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const flags: string[] = []
  for (let i = 0; i < argv.length; ) {
    const arg = argv[i++] as string
    if (arg === '--') {
      const rest = argv[i]
      if (rest !== undefined) return usage(`unexpected argument: ${rest}`)
      break
    }
    if (arg.length < 2 || !arg.startsWith('-')) return usage(`unexpected argument: ${arg}`)

    const [, flag = '', value] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(arg) ?? []
    if (flag === '') return usage(`bad flag syntax: ${arg}`)
    const name = longNames.get(flag)
    if (name === undefined) return usage(`flag provided but not defined: -${flag}`)
    if (name === 'help' || name === 'version') return { type: name }

    const { type } = optionOf(name)
    const text = value ?? (type.type === 'boolean' ? 'true' : argv[i++])
    if (text === undefined) return usage(`flag needs an argument: -${flag}`)
    const reading = readText(name, text)
    if (reading?.type === 'usage') return usage(invalidValueMessage(name, text, `-${flag}`, reading))
    flags.push(`--${flag}=${text}`)
  }

  const parsed = minimist(flags, { string: [...names], alias })
  const given = new Map<Name, string>()
  for (const name of names) {
    const text: unknown = [parsed[name]].flat().at(-1)
    if (typeof text === 'string') given.set(name, text)
  }
  return { type: 'flags', given }
}

const shortNames = names.flatMap(name => {
  const { short } = optionOf(name)
  return short === undefined ? [] : [[short, name] as const]
})

const longNames: ReadonlyMap<string, Name> = new Map([
  ...shortNames,
  ...names.map(name => [name, name] as const),
])

const alias = Object.fromEntries(shortNames.map(([short, name]) => [name, short]))

function usage(message: string): CommandLine {
  return { type: 'usage', message }
}

/** One of a command's options: `--name VALUE`, or `--name` alone where `value` is left out. */
export interface Flag {
  readonly name: string
  readonly value?: string
  readonly help: string
}

/** What `smtp-transcript` can be told to do. */
export interface Command {
  readonly name: string
  /** What stands behind the options: `[FILES...]`. */
  readonly operands: string
  /** How many operands there may be, at least and at most. */
  readonly operandCount: readonly [least: number, most: number]
  readonly summary: string
  readonly flags: readonly Flag[]
  readonly notes: string
}

const files =
  'FILES are .smtp files, or folders of them; without any, the transcripts that come with this program.'

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  {
    name: 'play',
    operands: '[FILES...]',
    operandCount: [0, Number.POSITIVE_INFINITY],
    summary: 'Plays transcripts with the engine of aws-smtp-relay: what happens must be what is written.',
    flags: [
      {
        name: 'player',
        value: 'NAME',
        help: 'as-written, byte-by-byte, cut-in-two, late-answers or loopback; may be given again (default: all)',
      },
      { name: 'update', help: 'write down what the server does, instead of failing' },
    ],
    notes: `${files} Exit status: 0 all are played as written, 1 some are not, 2 nothing could be played.`,
  },
]

/** The command of this name, if there is one. */
export function commandNamed(name: string): Command | undefined {
  return commands.find(command => command.name === name)
}

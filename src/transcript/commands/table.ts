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

const keepCredentials: Flag = {
  name: 'keep-credentials',
  help: 'write down what AUTH shows, instead of the name "user" and the password "secret"',
}

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
  {
    name: 'replay',
    operands: '[FILES...]',
    operandCount: [0, Number.POSITIVE_INFINITY],
    summary: "Plays the client's side of transcripts against any SMTP server, and compares its replies.",
    flags: [
      { name: 'server', value: 'HOST:PORT', help: 'where the server is' },
      { name: 'tls', help: 'TLS from the first byte' },
      {
        name: 'ca',
        value: 'FILE',
        help: 'PEM certificates to verify the server with; without them its certificate is not verified',
      },
      { name: 'tls-name', value: 'NAME', help: 'the name in the certificate (default: HOST)' },
      {
        name: 'with',
        value: 'CONDITIONS',
        help: 'how the server is set up, in the words of a transcript: "login=required, recipients=100"',
      },
      {
        name: 'user',
        value: 'NAME:PASSWORD',
        help: 'a user of the transcripts whom the server knows, too: tim:secret; may be given again',
      },
      { name: 'timeout', value: 'SECONDS', help: 'a reply that takes longer is none (default: 5)' },
      { name: 'jobs', value: 'COUNT', help: 'connections at once (default: 1)' },
      { name: 'strict', help: 'another code of the same class is a failure too' },
      { name: 'json', help: 'print the results as JSON' },
    ],
    notes:
      `${files} What swaks prints can be replayed as it is. ` +
      'Mails for b@r.example and the like are really sent: choose a server that does not pass them on. ' +
      'Compared are the code of each reply, and the class of its enhanced status code. A transcript is skipped ' +
      'where the server would have to be set up in a way that it does not show, unless --with says so. ' +
      'Exit status: 0 none failed, 1 some failed, 2 the server could not be reached.',
  },
  {
    name: 'import',
    operands: 'FILE',
    operandCount: [1, 1],
    summary: 'Turns what swaks printed into a transcript, on standard output.',
    flags: [
      { name: 'title', value: 'TITLE', help: 'the claim that it proves' },
      { name: 'spec', value: 'SPEC', help: 'the RFC that the claim stands on (default: RFC 5321)' },
      keepCredentials,
    ],
    notes:
      'FILE is what swaks printed, on standard error too (2>&1); - is standard input. What a server asks its host swaks does not know: ' +
      '"smtp-transcript play --update" fills it in, as this engine does it.',
  },
  {
    name: 'record',
    operands: '',
    operandCount: [0, 0],
    summary: 'Stands between clients and a server, and writes a transcript of every connection.',
    flags: [
      { name: 'listen', value: 'HOST:PORT', help: 'where clients connect; port 0 takes a free one' },
      { name: 'server', value: 'HOST:PORT', help: 'the server that they are to reach' },
      {
        name: 'tls-cert',
        value: 'FILE',
        help: 'PEM certificate shown to clients behind STARTTLS; without it what follows STARTTLS passes unseen',
      },
      { name: 'tls-key', value: 'FILE', help: 'its key' },
      {
        name: 'ca',
        value: 'FILE',
        help: 'PEM certificates to verify the server with; otherwise it is not verified',
      },
      { name: 'output', value: 'FOLDER', help: 'where recording-1.smtp and so on are written (default: .)' },
      {
        name: 'count',
        value: 'COUNT',
        help: 'end after so many connections (default: on SIGINT or SIGTERM)',
      },
      keepCredentials,
    ],
    notes:
      'What a server asks its host nobody can hear: "smtp-transcript play --update" fills it in, as this ' +
      'engine does it. Recordings hold the mails that were sent.',
  },
]

/** The command of this name, if there is one. */
export function commandNamed(name: string): Command | undefined {
  return commands.find(command => command.name === name)
}

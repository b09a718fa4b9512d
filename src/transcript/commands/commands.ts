/** An option of a command: `--name VALUE`, or `--name` alone if there is no `value`. */
interface ToolOption {
  readonly name: string
  readonly value?: string
  readonly help: string
}

/** A command of `smtp-transcript`. */
export interface ToolCommand {
  readonly name: string
  /** The operands for the usage line, for example `[FILES...]`. */
  readonly operands: string
  /** The minimum and maximum number of operands. */
  readonly operandCount: readonly [min: number, max: number]
  readonly summary: string
  readonly options: readonly ToolOption[]
  readonly notes: string
}

const files =
  'FILES are .smtp files or folders of them (default: the transcripts that come with this program).'

const keepCredentials: ToolOption = {
  name: 'keep-credentials',
  help: 'record real credentials instead of the name "user" and the password "secret"',
}

/** All commands, in the order of the help. */
export const toolCommands: readonly ToolCommand[] = [
  {
    name: 'play',
    operands: '[FILES...]',
    operandCount: [0, Number.POSITIVE_INFINITY],
    summary: 'Plays transcripts with the engine of aws-smtp-relay, and compares the result with the file.',
    options: [
      {
        name: 'runner',
        value: 'NAME',
        help: 'as-written, byte-by-byte, cut-in-two, late-answers or loopback; can be repeated (default: all)',
      },
      { name: 'update', help: 'update the files with what the server does, instead of failing' },
    ],
    notes: `${files} Exit status: 0 all are as written, 1 some are not, 2 an error.`,
  },
  {
    name: 'replay',
    operands: '[FILES...]',
    operandCount: [0, Number.POSITIVE_INFINITY],
    summary: "Plays the client's side of transcripts against any SMTP server, and compares its replies.",
    options: [
      { name: 'server', value: 'HOST:PORT', help: 'address of the server' },
      { name: 'tls', help: 'use TLS from the first byte' },
      {
        name: 'ca',
        value: 'FILE',
        help: 'PEM certificates that verify the server (default: no verification)',
      },
      { name: 'tls-name', value: 'NAME', help: 'name in the server certificate (default: HOST)' },
      {
        name: 'with',
        value: 'CONDITIONS',
        help: 'how the server is set up, as in a transcript: "login=required, recipients=100"',
      },
      {
        name: 'user',
        value: 'NAME:PASSWORD',
        help: 'a user of the transcripts that the server also has, for example tim:secret; can be repeated',
      },
      { name: 'timeout', value: 'SECONDS', help: 'longest wait for a reply (default: 5)' },
      { name: 'jobs', value: 'COUNT', help: 'concurrent connections (default: 1)' },
      { name: 'strict', help: 'also fail if a code differs within its class' },
      { name: 'json', help: 'print the results as JSON' },
    ],
    notes:
      `${files} The output of swaks can be replayed too. ` +
      'The server receives real messages, for b@r.example and others: choose one that does not forward them. ' +
      'The code of each reply is compared, and the class of its enhanced status code. A transcript is skipped ' +
      'if it depends on a setting that the server does not show, unless --with declares the setting. ' +
      'Exit status: 0 none failed, 1 some failed, 2 an error, for example no connection.',
  },
  {
    name: 'import',
    operands: 'FILE',
    operandCount: [1, 1],
    summary: 'Converts the output of swaks to a transcript, on standard output.',
    options: [
      { name: 'title', value: 'TITLE', help: 'the claim that the transcript proves' },
      { name: 'spec', value: 'SPEC', help: 'the RFC that the claim is based on (default: RFC 5321)' },
      keepCredentials,
    ],
    notes:
      'FILE is the output of swaks, standard error included (2>&1); - is standard input. swaks does not show the ' +
      'questions of a server to its host: "smtp-transcript play --update" adds those of this engine.',
  },
  {
    name: 'record',
    operands: '',
    operandCount: [0, 0],
    summary: 'Forwards connections to a server, and writes a transcript of each one.',
    options: [
      {
        name: 'listen',
        value: 'HOST:PORT',
        help: 'address for clients to connect to; port 0 selects a free port',
      },
      { name: 'server', value: 'HOST:PORT', help: 'address of the server' },
      {
        name: 'tls-cert',
        value: 'FILE',
        help: 'PEM certificate for clients that use STARTTLS (default: TLS is forwarded and not recorded)',
      },
      { name: 'tls-key', value: 'FILE', help: 'PEM private key of the certificate' },
      {
        name: 'ca',
        value: 'FILE',
        help: 'PEM certificates that verify the server (default: no verification)',
      },
      { name: 'output', value: 'FOLDER', help: 'folder for recording-1.smtp and so on (default: .)' },
      {
        name: 'count',
        value: 'COUNT',
        help: 'stop after this many connections (default: stop on SIGINT or SIGTERM)',
      },
      keepCredentials,
    ],
    notes:
      'The questions of a server to its host cannot be recorded: "smtp-transcript play --update" adds those of this ' +
      'engine. Recordings contain the messages that were sent.',
  },
]

/** Returns the command with this name, if there is one. */
export function commandNamed(name: string): ToolCommand | undefined {
  return toolCommands.find(command => command.name === name)
}

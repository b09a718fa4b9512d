import * as kinds from './kinds.ts'
/** One option. Its long name is its key in the table; its environment variable is made of that name. */
export interface Option<T = unknown> {
  readonly short?: string
  readonly kind: kinds.Kind<T>
  /** The word for the value in the help. */
  readonly value?: string
  /** What an option that is not given stands for, as a user would write it. */
  readonly fallback?: string
  /** Where that depends: the same in words. */
  readonly otherwise?: string
  readonly help: string
}

/** Every option of the program, in the order of the help. */
export const options = {
  listen: {
    short: 'a',
    kind: kinds.addresses,
    value: 'ADDRESSES',
    fallback: ':1025',
    help: 'TCP listen addresses, comma-separated: host:port, [v6]:port or :port; with tls:// in front: implicit TLS',
  },
  name: {
    short: 'n',
    kind: kinds.text,
    value: 'NAME',
    fallback: 'AWS SMTP Relay',
    help: 'SMTP service name',
  },
  hostname: {
    short: 'h',
    kind: kinds.hostname,
    value: 'NAME',
    otherwise: "the machine's",
    help: 'Server hostname in greeting, EHLO, Received and CRAM-MD5',
  },
  'tls-cert': { short: 'c', kind: kinds.text, value: 'FILE', help: 'TLS cert file (PEM)' },
  'tls-key': {
    short: 'k',
    kind: kinds.text,
    value: 'FILE',
    help: 'TLS key file (PEM); its passphrase in TLS_KEY_PASS',
  },
  'require-starttls': {
    short: 's',
    kind: kinds.boolean,
    fallback: 'false',
    help: 'Require TLS via STARTTLS extension before AUTH and MAIL',
  },
  'tls-only': {
    short: 't',
    kind: kinds.boolean,
    fallback: 'false',
    help: 'Listen for incoming TLS connections only: every address has implicit TLS',
  },
  relay: {
    short: 'r',
    kind: kinds.relay(['ses', 'maildir', 'discard']),
    value: 'NAME',
    fallback: 'ses',
    help: 'Where mail goes: ses (Amazon SES), maildir (a local directory) or discard (nowhere: answers 250 and forgets)',
  },
  'configuration-set': {
    short: 'e',
    kind: kinds.text,
    value: 'NAME',
    help: 'Amazon SES Configuration Set Name',
  },
  user: {
    short: 'u',
    kind: kinds.text,
    value: 'NAME',
    help: 'Authentication username; its secret in BCRYPT_HASH or PASSWORD, or in both',
  },
  'allow-plaintext-auth': {
    kind: kinds.boolean,
    fallback: 'false',
    help: 'Offer LOGIN and PLAIN also where there is no TLS',
  },
  maildir: {
    kind: kinds.text,
    value: 'DIRECTORY',
    fallback: './maildir',
    help: 'Where the relay maildir writes',
  },
  'max-size': {
    kind: kinds.bytes,
    value: 'BYTES',
    otherwise: 'what the relay takes: ses 10MiB, others 40MiB',
    help: 'Largest message in bytes, or in KiB, MiB or GiB',
  },
  'max-recipients': {
    kind: kinds.integer(1),
    value: 'COUNT',
    fallback: '100',
    help: 'Recipients of one message',
  },
  'idle-timeout': {
    kind: kinds.seconds(0.001),
    value: 'SECONDS',
    fallback: '300',
    help: 'Silence of a client after which its connection is closed',
  },
  'data-timeout': {
    kind: kinds.seconds(0.001),
    value: 'SECONDS',
    fallback: '600',
    help: 'How long the content of one message may take to come in',
  },
  'bare-newline': {
    kind: kinds.choice(['normalize', 'reject']),
    value: 'ACTION',
    fallback: 'normalize',
    help: 'A CR or LF on its own in a message: normalize (to CRLF) or reject (the message)',
  },
  'drain-timeout': {
    kind: kinds.seconds(0),
    value: 'SECONDS',
    fallback: '30',
    help: 'How long running transactions may take after SIGTERM',
  },
  'upstream-timeout': {
    kind: kinds.seconds(0.001),
    value: 'SECONDS',
    fallback: '60',
    help: 'How long one call to AWS may take',
  },
  version: { kind: kinds.action, help: 'Print the version and exit' },
  help: { kind: kinds.action, help: 'Print this help and exit' },
} as const satisfies Readonly<Record<string, Option>>

/** The long name of an option. */
export type Name = keyof typeof options

type Row<N extends Name> = (typeof options)[N]

/** The value of every option by its long name; `undefined` where none was given and the table knows none. */
export type Values = {
  readonly [N in Name]: Row<N> extends { kind: kinds.Kind<infer T> }
    ? Row<N> extends { fallback: string }
      ? T
      : T | undefined
    : never
}

/** The long names, in the order of the table. */
export const names = Object.keys(options) as readonly Name[]

/** The row of an option. */
export function optionOf(name: Name): Option {
  return options[name]
}

/** The environment variable of an option, for example `SMTP_RELAY_MAX_SIZE`; an action has none. */
export function variableOf(name: Name): string | undefined {
  if (optionOf(name).kind.type === 'action') return undefined
  return `SMTP_RELAY_${name.toUpperCase().replaceAll('-', '_')}`
}

/** What is read from the environment only, because a command line can be seen by everybody on the machine. */
export const secretVariables = {
  BCRYPT_HASH: 'bcrypt hash of the password of the user, for LOGIN and PLAIN',
  PASSWORD: 'password of the user, for CRAM-MD5, and without BCRYPT_HASH for LOGIN and PLAIN',
  TLS_KEY_PASS: 'passphrase of the TLS key file',
} as const

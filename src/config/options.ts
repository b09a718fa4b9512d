import * as amazonKinds from './aws-value-types.ts'
import type { Option } from './option.ts'
import * as kinds from './value-types.ts'

const general = {
  listen: {
    short: 'a',
    type: kinds.addresses,
    value: 'ADDRESSES',
    defaultValue: ':1025',
    help: 'TCP listen addresses, comma-separated: host:port, [v6]:port or :port; with tls:// in front: implicit TLS',
  },
  name: {
    short: 'n',
    type: kinds.text,
    value: 'NAME',
    defaultValue: 'AWS SMTP Relay',
    help: 'SMTP service name',
  },
  hostname: {
    short: 'h',
    type: kinds.hostname,
    value: 'NAME',
    defaultText: "the machine's",
    help: 'Server hostname in greeting, EHLO, Received and CRAM-MD5',
  },
  relay: {
    short: 'r',
    type: kinds.relay(['ses', 'sesv2', 'pinpoint', 'maildir', 'discard']),
    value: 'NAME',
    defaultValue: 'ses',
    help: 'Where mail goes: ses (Amazon SES), sesv2 (its API of version 2: larger mails), pinpoint (Amazon Pinpoint), maildir (a local directory) or discard (nowhere: answers 250 and forgets)',
  },
  maildir: {
    type: kinds.text,
    value: 'DIRECTORY',
    defaultValue: './maildir',
    help: 'Where the relay maildir writes',
  },
} as const satisfies Rows

const tls = {
  'tls-cert': { short: 'c', type: kinds.text, value: 'FILE', help: 'TLS cert file (PEM)' },
  'tls-key': {
    short: 'k',
    type: kinds.text,
    value: 'FILE',
    help: 'TLS key file (PEM); its passphrase in TLS_KEY_PASS',
  },
  'require-starttls': {
    short: 's',
    type: kinds.boolean,
    defaultValue: 'false',
    help: 'Require TLS via STARTTLS extension before AUTH and MAIL',
  },
  'tls-only': {
    short: 't',
    type: kinds.boolean,
    defaultValue: 'false',
    help: 'Listen for incoming TLS connections only: every address has implicit TLS',
  },
} as const satisfies Rows

const authentication = {
  'allow-ips': {
    short: 'i',
    type: kinds.addressList,
    value: 'ADDRESSES',
    help: 'Allowed client IPs (comma-separated), also blocks: 127.0.0.1,10.0.0.0/8,::1. Others get 554; these need no AUTH unless users are configured',
  },
  user: {
    short: 'u',
    type: kinds.text,
    value: 'NAME',
    help: 'Authentication username; its secret in BCRYPT_HASH or PASSWORD, or in both',
  },
  'users-file': {
    type: kinds.text,
    value: 'FILE',
    help: 'More users, one a line, as htpasswd -B writes them: user:hash, or user:hash:REGEXP for the senders that this user may use; reread when it changes',
  },
  'allow-plaintext-auth': {
    type: kinds.boolean,
    defaultValue: 'false',
    help: 'Offer LOGIN and PLAIN also where there is no TLS',
  },
} as const satisfies Rows

const filters = {
  'allow-from': {
    short: 'l',
    type: kinds.text,
    value: 'REGEXP',
    help: 'Allowed sender emails regular expression (RE2)',
  },
  'deny-to': {
    short: 'd',
    type: kinds.text,
    value: 'REGEXP',
    help: 'Denied recipient emails regular expression (RE2)',
  },
  'allow-to': {
    type: kinds.text,
    value: 'REGEXP',
    help: 'Allowed recipient emails regular expression (RE2)',
  },
} as const satisfies Rows

const amazon = {
  'configuration-set': {
    short: 'e',
    type: amazonKinds.configurationSet,
    value: 'NAME',
    help: 'Amazon SES Configuration Set Name',
  },
  'source-arn': {
    short: 'o',
    type: amazonKinds.identityArn,
    value: 'ARN',
    help: 'Identity of another account that allows this one to send',
  },
  'from-arn': {
    short: 'f',
    type: amazonKinds.identityArn,
    value: 'ARN',
    defaultText: 'the source ARN',
    help: 'The same for the From header',
  },
  'return-path-arn': {
    short: 'p',
    type: amazonKinds.identityArn,
    value: 'ARN',
    defaultText: 'the source ARN',
    help: 'The same for the return path',
  },
  tags: {
    type: amazonKinds.tags,
    value: 'TAGS',
    help: 'SES message tags for every mail: name=value,name=value',
  },
  'pinpoint-application-id': {
    type: amazonKinds.applicationId,
    value: 'ID',
    help: 'Project that the relay pinpoint sends with; it needs one',
  },
  'upstream-connections': {
    type: kinds.integer(1),
    value: 'COUNT',
    defaultValue: '256',
    help: 'HTTP connections to AWS',
  },
  'upstream-timeout': {
    type: kinds.seconds(0.001),
    value: 'SECONDS',
    defaultValue: '60',
    help: 'How long one call to AWS may take',
  },
  'send-rate': {
    type: amazonKinds.rate,
    value: 'RATE',
    defaultValue: '0',
    help: "Recipients per second to hand to AWS; 0 is no limit, auto the account's quota",
  },
} as const satisfies Rows

const limits = {
  'max-size': {
    type: kinds.bytes,
    value: 'BYTES',
    defaultText: 'what the relay takes: ses 10MiB, pinpoint 5 MB, others 40MiB',
    help: 'Largest message in bytes, or in KiB, MiB or GiB',
  },
  'max-recipients': {
    type: kinds.integer(1),
    value: 'COUNT',
    defaultValue: '100',
    help: 'Recipients of one message',
  },
  'max-connections': {
    type: kinds.integer(1),
    value: 'COUNT',
    defaultValue: '10000',
    help: 'Connections at once; others hear 421',
  },
  'max-connections-per-ip': {
    type: kinds.integer(0),
    value: 'COUNT',
    defaultValue: '0',
    help: 'The same from one address, or one /64 of IPv6; 0 means no limit',
  },
  'idle-timeout': {
    type: kinds.seconds(0.001),
    value: 'SECONDS',
    defaultValue: '300',
    help: 'Silence of a client after which its connection is closed',
  },
  'data-timeout': {
    type: kinds.seconds(0.001),
    value: 'SECONDS',
    defaultValue: '600',
    help: 'How long the content of one message may take to come in',
  },
  'message-memory': {
    type: kinds.bytes,
    value: 'BYTES',
    defaultText: '256MiB for each worker',
    help: 'Content of messages that is held at once, all connections together, in bytes, or in KiB, MiB or GiB; beyond it clients have to wait, and then get 452',
  },
  'max-wait': {
    type: kinds.seconds(0),
    value: 'SECONDS',
    defaultValue: '20',
    help: 'How long a message may wait for memory as it comes in, and then for the send rate and for new tries with AWS, before the client gets a 4xx',
  },
} as const satisfies Rows

const operation = {
  'bare-newline': {
    type: kinds.choice(['normalize', 'reject']),
    value: 'ACTION',
    defaultValue: 'normalize',
    help: 'A CR or LF on its own in a message: normalize (to CRLF) or reject (the message)',
  },
  'strict-pipelining': {
    type: kinds.boolean,
    defaultValue: 'false',
    help: 'Leave clients that talk before the greeting, or go on where they have to wait for a reply: 554',
  },
  'proxy-protocol': {
    type: kinds.addressList,
    value: 'CIDRS',
    help: 'Load balancers, as addresses and blocks: their connections must begin with a PROXY protocol header, version 1 or 2, and count as those of the client that it names',
  },
  'log-format': {
    type: kinds.choice(['auto', 'json', 'text']),
    value: 'FORMAT',
    defaultValue: 'auto',
    help: 'Lines of the log: json (for programs), text (for people), or auto: text on a terminal, json elsewhere',
  },
  workers: {
    type: kinds.workers,
    value: 'COUNT',
    defaultValue: '1',
    help: 'Processes that share the addresses; auto is one for each CPU. Limits of the whole program are divided between them',
  },
  admin: {
    type: kinds.adminAddress,
    value: 'ADDRESS',
    help: 'Where to serve /healthz, /readyz and /metrics over HTTP, for whoever can reach it: host:port, [v6]:port or :port',
  },
  verbose: {
    type: kinds.boolean,
    defaultValue: 'false',
    help: 'Log connections, TLS, logins and every refusal, too',
  },
  'drain-timeout': {
    type: kinds.seconds(0),
    value: 'SECONDS',
    defaultValue: '30',
    help: 'How long running transactions may take after SIGTERM',
  },
  check: {
    type: kinds.boolean,
    defaultValue: 'false',
    help: 'Check the settings and what they name (files, expressions, region, credentials), and exit',
  },
  healthcheck: {
    type: kinds.boolean,
    defaultValue: 'false',
    help: 'Ask the server that runs on this machine with the same settings for its greeting, and exit: 0 if it answers within 3 seconds',
  },
  version: { type: kinds.action, help: 'Print the version and exit' },
  help: { type: kinds.action, help: 'Print this help and exit' },
} as const satisfies Rows

/** Every option of the program below its heading, in the order of the help. */
export const groups = {
  General: general,
  TLS: tls,
  Authentication: authentication,
  Filters: filters,
  Amazon: amazon,
  Limits: limits,
  Operation: operation,
} as const

type Rows = Readonly<Record<string, Option>>

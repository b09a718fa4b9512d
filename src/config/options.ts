import * as awsTypes from './aws-value-types.ts'
import type { Option } from './value-type.ts'
import * as types from './value-types.ts'

const general = {
  listen: {
    short: 'a',
    type: types.listenAddresses,
    value: 'ADDRESSES',
    defaultValue: ':1025',
    help: 'TCP listen addresses, comma-separated: host:port, [v6]:port or :port. The prefix tls:// means implicit TLS',
  },
  name: {
    short: 'n',
    type: types.text,
    value: 'NAME',
    defaultValue: 'AWS SMTP Relay',
    help: 'Service name in the greeting and in Received headers',
  },
  hostname: {
    short: 'h',
    type: types.hostname,
    value: 'NAME',
    defaultText: 'hostname of the machine',
    help: 'Server hostname in the greeting, EHLO, Received headers and CRAM-MD5',
  },
  relay: {
    short: 'r',
    type: types.relay(['ses', 'sesv2', 'pinpoint', 'maildir', 'discard']),
    value: 'NAME',
    defaultValue: 'ses',
    help: 'Backend: ses (Amazon SES), sesv2 (SES API v2, for larger messages), pinpoint (Amazon Pinpoint), maildir (a local directory) or discard (accepts and drops all mail)',
  },
  maildir: {
    type: types.text,
    value: 'DIRECTORY',
    defaultValue: './maildir',
    help: 'Directory of the maildir backend',
  },
} as const satisfies OptionGroup

const tls = {
  'tls-cert': { short: 'c', type: types.text, value: 'FILE', help: 'TLS certificate file (PEM)' },
  'tls-key': {
    short: 'k',
    type: types.text,
    value: 'FILE',
    help: 'TLS key file (PEM); its passphrase is read from TLS_KEY_PASS',
  },
  'require-starttls': {
    short: 's',
    type: types.boolean,
    defaultValue: 'false',
    help: 'Require TLS via STARTTLS before AUTH and MAIL',
  },
  'tls-only': {
    short: 't',
    type: types.boolean,
    defaultValue: 'false',
    help: 'Accept TLS connections only: implicit TLS on every listen address',
  },
} as const satisfies OptionGroup

const authentication = {
  'allow-ips': {
    short: 'i',
    type: types.addressList,
    value: 'CIDRS',
    help: 'Allowed client IPs and CIDR blocks, comma-separated: 127.0.0.1,10.0.0.0/8,::1. Other clients get 554. Allowed clients need no AUTH, unless users are configured',
  },
  user: {
    short: 'u',
    type: types.text,
    value: 'NAME',
    help: 'Authentication username; its secret is read from BCRYPT_HASH, PASSWORD or both',
  },
  'users-file': {
    type: types.text,
    value: 'FILE',
    help: 'File of more users, one per line, as htpasswd -B writes them: user:hash, or user:hash:REGEXP to limit the sender addresses of that user. It is reread when it changes',
  },
  'allow-plaintext-auth': {
    type: types.boolean,
    defaultValue: 'false',
    help: 'Offer AUTH LOGIN and PLAIN without TLS, too',
  },
} as const satisfies OptionGroup

const filters = {
  'allow-from': {
    short: 'l',
    type: types.text,
    value: 'REGEXP',
    help: 'Regular expression (RE2) of allowed sender addresses',
  },
  'deny-to': {
    short: 'd',
    type: types.text,
    value: 'REGEXP',
    help: 'Regular expression (RE2) of denied recipient addresses',
  },
  'allow-to': {
    type: types.text,
    value: 'REGEXP',
    help: 'Regular expression (RE2) of allowed recipient addresses',
  },
} as const satisfies OptionGroup

const amazon = {
  'configuration-set': {
    short: 'e',
    type: awsTypes.configurationSet,
    value: 'NAME',
    help: 'Amazon SES configuration set name',
  },
  'source-arn': {
    short: 'o',
    type: awsTypes.identityArn,
    value: 'ARN',
    help: 'ARN of an identity in another account that lets this account send',
  },
  'from-arn': {
    short: 'f',
    type: awsTypes.identityArn,
    value: 'ARN',
    defaultText: 'the source ARN',
    help: 'ARN of the identity of the From header, likewise',
  },
  'return-path-arn': {
    short: 'p',
    type: awsTypes.identityArn,
    value: 'ARN',
    defaultText: 'the source ARN',
    help: 'ARN of the identity of the return path, likewise',
  },
  tags: {
    type: awsTypes.tags,
    value: 'TAGS',
    help: 'SES message tags of every message: name=value,name=value',
  },
  'pinpoint-application-id': {
    type: awsTypes.applicationId,
    value: 'ID',
    help: 'Pinpoint project ID; -r pinpoint needs it',
  },
  'upstream-connections': {
    type: types.integer(1),
    value: 'COUNT',
    defaultValue: '256',
    help: 'Maximum number of HTTP connections to AWS',
  },
  'upstream-timeout': {
    type: types.seconds(0.001),
    value: 'SECONDS',
    defaultValue: '60',
    help: 'Longest time that one call to AWS may take',
  },
  'send-rate': {
    type: types.rate,
    value: 'RATE',
    defaultValue: '0',
    help: "Recipients per second that are sent to AWS; 0 means no limit, auto means the account's quota",
  },
} as const satisfies OptionGroup

const limits = {
  'max-size': {
    type: types.bytes,
    value: 'BYTES',
    defaultText: 'the limit of the backend, 10MiB for ses, 5 MB for pinpoint, 40MiB for others',
    help: 'Largest message, in bytes, KiB, MiB or GiB',
  },
  'max-recipients': {
    type: types.integer(1),
    value: 'COUNT',
    defaultValue: '100',
    help: 'Maximum number of recipients of one message',
  },
  'max-connections': {
    type: types.integer(1),
    value: 'COUNT',
    defaultValue: '10000',
    help: 'Maximum number of connections at once; more get 421',
  },
  'max-connections-per-ip': {
    type: types.limit,
    value: 'COUNT',
    defaultValue: '0',
    help: 'Maximum number of connections at once from one IPv4 address or IPv6 /64; 0 means no limit',
  },
  'idle-timeout': {
    type: types.seconds(0.001),
    value: 'SECONDS',
    defaultValue: '300',
    help: 'Time without data from a client after which its connection is closed',
  },
  'data-timeout': {
    type: types.seconds(0.001),
    value: 'SECONDS',
    defaultValue: '600',
    help: 'Longest time that a client may take to send the content of one message',
  },
  'message-memory': {
    type: types.bytes,
    value: 'BYTES',
    defaultText: '256MiB per worker',
    help: 'Memory for the content of messages, all connections together, in bytes, KiB, MiB or GiB. When it is full, clients wait, then get 452',
  },
  'max-wait': {
    type: types.seconds(0),
    value: 'SECONDS',
    defaultValue: '20',
    help: 'Longest time that a message waits for memory, the send rate and retries before the client gets a 4xx',
  },
} as const satisfies OptionGroup

const operation = {
  'bare-newline': {
    type: types.choice(['normalize', 'reject']),
    value: 'ACTION',
    defaultValue: 'normalize',
    help: 'What to do with a bare CR or LF in a message: normalize (make it CRLF) or reject (the message)',
  },
  'strict-pipelining': {
    type: types.boolean,
    defaultValue: 'false',
    help: 'Disconnect clients (554) that send data before the greeting, or without waiting for a required reply',
  },
  'proxy-protocol': {
    type: types.addressList,
    value: 'CIDRS',
    help: 'Load balancers, as IPs and CIDR blocks. Their connections must begin with a PROXY protocol header, version 1 or 2, which names the client',
  },
  'log-format': {
    type: types.choice(['auto', 'json', 'text']),
    value: 'FORMAT',
    defaultValue: 'auto',
    help: 'Log format: json, text, or auto (text on a terminal, json elsewhere)',
  },
  workers: {
    type: types.workers,
    value: 'COUNT',
    defaultValue: '1',
    help: 'Number of worker processes; auto means one per CPU. The limits are for all workers together',
  },
  admin: {
    type: types.adminAddress,
    value: 'ADDRESS',
    help: 'Address that serves /healthz, /readyz and /metrics over HTTP, without authentication: host:port, [v6]:port or :port',
  },
  verbose: {
    type: types.boolean,
    defaultValue: 'false',
    help: 'Also log connections, TLS, authentication and every refusal',
  },
  'drain-timeout': {
    type: types.seconds(0),
    value: 'SECONDS',
    defaultValue: '30',
    help: 'Longest time that running transactions may take after SIGTERM',
  },
  check: {
    type: types.boolean,
    defaultValue: 'false',
    help: 'Check the configuration and everything it names (files, expressions, region, credentials), then exit',
  },
  healthcheck: {
    type: types.boolean,
    defaultValue: 'false',
    help: 'Connect to the server that runs on this machine with the same configuration, then exit: 0 if it sends a greeting within 3 seconds',
  },
  version: { type: types.action, help: 'Print the version, then exit' },
  help: { type: types.action, help: 'Print this help, then exit' },
} as const satisfies OptionGroup

/** Every option of the program by the heading of its group, in the order of the help. */
export const groups = {
  General: general,
  TLS: tls,
  Authentication: authentication,
  Filters: filters,
  Amazon: amazon,
  Limits: limits,
  Operation: operation,
} as const

type OptionGroup = Readonly<Record<string, Option>>

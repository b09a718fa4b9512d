import { type Reply, reply } from './reply.ts'

type ReplyRow = Reply | ((...parts: never[]) => Reply)

/** Gives each reply of a table its key as `id`. The table is changed in place: V8 reads a copy of it more slowly. */
function withIds<T extends Record<string, ReplyRow>>(table: T): T {
  const rows: Record<string, ReplyRow> = table
  for (const [id, row] of Object.entries(table)) {
    if (typeof row === 'function') rows[id] = (...parts) => withId(row(...parts), id)
    else withId(row, id)
  }
  return table
}

function withId(reply: { id?: string } & Reply, id: string): Reply {
  reply.id = id
  return reply
}

/** A key of the table `replies`. */
export type ReplyId = keyof typeof replies

/**
 * Every reply that the server makes on its own: those of the engine, and those of the sockets and of the authentication
 * that belong to no backend. The comment above each one says when it is sent and by which rule; `docs/replies.md` is
 * generated from the comments. Codes: RFC 5321 section 4.2, RFC 4954 section 6; status codes: RFC 3463, RFC 5248.
 */
export const replies = withIds({
  // Connection
  /** A connection is accepted (RFC 5321 section 3.1). */
  greeting: (hostname: string, service: string): Reply => ({
    code: 220,
    text: `${hostname} ${service} ESMTP Service ready`,
  }),
  /** QUIT (RFC 5321 section 4.1.1.10). */
  goodbye: (hostname: string, service: string) =>
    reply(221, '2.0.0', `${hostname} ${service} closing connection`),
  /** The server shuts down, and no message is being received, or the time for that is over (RFC 5321 section 3.8). */
  shuttingDown: (hostname: string) => reply(421, '4.3.2', `${hostname} is shutting down, try again later`),
  /** The client was silent for too long, or its message took too long (RFC 5321 section 4.5.3.2.7). */
  timeout: (hostname: string) => reply(421, '4.4.2', `${hostname} timeout exceeded, closing connection`),
  /** The limit of all connections is reached (RFC 5321 section 3.8). */
  tooManyConnections: (hostname: string) =>
    reply(421, '4.3.2', `${hostname} has too many connections, try later`),
  /** The limit of connections from one address is reached (hardening, RFC 5321 section 7.8). */
  tooManyFromAddress: (hostname: string) =>
    reply(421, '4.7.0', `${hostname} has too many connections from your address, try later`),
  /** The server needs memory or a connection, and this one is idle or large (hardening, RFC 5321 section 3.8). */
  overloaded: (hostname: string) =>
    reply(421, '4.3.2', `${hostname} is overloaded, closing connection, try again later`),
  /** Any command but QUIT, after the connection was refused (RFC 5321 section 3.1). */
  connectionRefused: reply(503, '5.5.1', 'Connection refused, only QUIT is possible'),
  /** An internal error of the server or of the application that embeds it (RFC 5321 section 4.2.3). */
  localError: reply(451, '4.3.0', 'Local error in processing, try again later'),
  /** The host, usually because of the backend, does not answer in time (RFC 5321 section 4.5.3.2.6). */
  noAnswer: reply(451, '4.4.1', 'No answer in time, try again later'),
  /** The client has reached the limit of errors or of refusals (hardening, RFC 5321 section 7.8). */
  tooManyErrors: reply(421, '4.7.0', 'Too many errors, closing connection'),

  // Lines
  /** A line is empty or begins with a space (RFC 5321 section 4.1.1). */
  noCommand: reply(500, '5.5.2', 'Syntax error, empty command'),
  /** The verb is unknown (RFC 5321 section 4.2.4). */
  unknownCommand: reply(500, '5.5.1', 'Command unrecognized'),
  /** EXPN; STARTTLS without a certificate; AUTH without a mechanism (RFC 5321 section 4.2.4). */
  notImplemented: reply(502, '5.5.1', 'Command not implemented'),
  /** A command line is longer than the limit (RFC 5321 section 4.5.3.1.4). */
  lineTooLong: reply(500, '5.5.2', 'Line too long'),
  /** A line is so long that the server stops waiting for its end (hardening, RFC 5321 section 7.8). */
  unterminatedLine: reply(421, '4.7.0', 'Line too long, closing connection'),
  /** A command line or a response contains a bare CR or LF (RFC 5321 section 2.3.8). */
  bareNewline: reply(500, '5.5.2', 'Bare CR or LF not allowed, lines must end with CRLF'),
  /** Non-ASCII characters in a command that does not allow them (RFC 6531 section 3.4). */
  notAscii: reply(500, '5.5.2', 'Non-ASCII characters not allowed in this command'),
  /** Non-ASCII bytes that are not valid UTF-8 (RFC 6531 section 3.4). */
  notUtf8: reply(500, '5.5.2', 'Non-ASCII characters must be valid UTF-8'),
  /** The client did not wait for a reply, and pipelining is strict (RFC 2920 section 3.1). */
  improperPipelining: reply(554, '5.5.0', 'Improper pipelining, closing connection'),
  /** A TLS handshake without STARTTLS (hardening, RFC 3207 section 4). */
  tlsBeforeStarttls: reply(500, '5.5.1', 'Plaintext port: use STARTTLS to begin TLS, closing connection'),
  /** An HTTP method, WebDAV included, or the HTTP/2 preface (hardening, RFC 5321 section 7.8). */
  notHttp: reply(421, '4.7.0', 'This is SMTP, not HTTP, closing connection'),
  /** NOOP, RSET (RFC 5321 sections 4.1.1.9, 4.1.1.5). */
  ok: reply(250, '2.0.0', 'Ok'),

  // HELO, EHLO
  /** HELO (RFC 5321 section 4.1.1.1). */
  hello: (hostname: string, client: string): Reply => ({ code: 250, text: `${hostname} greets ${client}` }),
  /** EHLO, with one line for each extension (RFC 5321 section 4.1.1.1). */
  extensions: (hostname: string, client: string, keywords: readonly string[]): Reply => ({
    code: 250,
    text: [`${hostname} greets ${client}`, ...keywords],
  }),
  /** HELO or EHLO without a name, or with one that is not printable (RFC 5321 section 4.1.1.1). */
  badName: reply(501, '5.5.4', 'HELO and EHLO need a name, at most 255 printable characters'),
  /** MAIL, RCPT, DATA or BDAT before HELO and EHLO (RFC 5321 section 4.1.4). */
  helloFirst: reply(503, '5.5.1', 'Send HELO or EHLO first'),
  /** AUTH before EHLO (RFC 4954 section 4). */
  ehloFirst: reply(503, '5.5.1', 'Send EHLO first'),

  // MAIL, RCPT
  /** MAIL is accepted (RFC 5321 section 4.1.1.2). */
  senderOk: reply(250, '2.1.0', 'Ok'),
  /** RCPT is accepted (RFC 5321 section 4.1.1.3). */
  recipientOk: reply(250, '2.1.5', 'Ok'),
  /** MAIL without `FROM:` or angle brackets (RFC 5321 section 4.1.1.2). */
  mailSyntax: reply(501, '5.5.2', 'Syntax: MAIL FROM:<address> [parameters]'),
  /** RCPT without `TO:` or angle brackets (RFC 5321 section 4.1.1.3). */
  rcptSyntax: reply(501, '5.5.2', 'Syntax: RCPT TO:<address> [parameters]'),
  /** The sender is not a valid address (RFC 5321 section 4.1.2). */
  badSender: reply(501, '5.1.7', 'Not a valid sender address'),
  /** The recipient is not a valid address (RFC 5321 section 4.1.2). */
  badRecipient: reply(501, '5.1.3', 'Not a valid recipient address'),
  /** A non-ASCII sender without SMTPUTF8 in MAIL (RFC 6531 section 3.5). */
  senderNotAscii: reply(550, '5.6.7', 'Non-ASCII sender address needs SMTPUTF8'),
  /** A non-ASCII recipient without SMTPUTF8 in MAIL (RFC 6531 section 3.5). */
  recipientNotAscii: reply(553, '5.6.7', 'Non-ASCII recipient address needs SMTPUTF8'),
  /** The text after an address is not a parameter (RFC 5321 section 4.1.2). */
  parameterSyntax: reply(501, '5.5.4', 'Syntax error in parameters'),
  /** The same parameter twice (RFC 5321 section 4.1.1.11). */
  parameterTwice: reply(501, '5.5.4', 'Duplicate parameter'),
  /** The value of SIZE, BODY, AUTH or SMTPUTF8 is not valid (RFC 5321 section 4.1.1.11). */
  parameterValue: (name: string) => reply(501, '5.5.4', `Invalid value for parameter ${name}`),
  /** A parameter that is unknown or not offered (RFC 5321 section 4.1.1.11). */
  unknownParameter: (name: string) => reply(555, '5.5.4', `Parameter ${name} is not supported`),
  /** The message is larger than the limit, by its SIZE or by its content (RFC 1870 sections 6.1, 6.3). */
  tooLarge: (bytes: number) => reply(552, '5.3.4', `Message is larger than ${bytes} bytes`),
  /** MAIL in a transaction (RFC 5321 section 4.1.4). */
  nestedMail: reply(503, '5.5.1', 'Nested MAIL command, send RSET first'),
  /** RCPT before MAIL (RFC 5321 section 4.1.4). */
  mailFirst: reply(503, '5.5.1', 'Need MAIL before RCPT'),
  /** The limit of recipients is reached (RFC 5321 section 4.5.3.1.10). */
  tooManyRecipients: reply(452, '4.5.3', 'Too many recipients'),

  // DATA
  /** DATA is accepted (RFC 5321 section 4.1.1.4). */
  startInput: { code: 354, text: 'Start mail input; end with <CRLF>.<CRLF>' } as Reply,
  /** DATA or BDAT before MAIL and RCPT (RFC 5321 section 3.3). */
  rcptFirst: reply(503, '5.5.1', 'Need MAIL and RCPT before DATA'),
  /** DATA or BDAT after every recipient was refused (RFC 5321 section 3.3). */
  noValidRecipients: reply(554, '5.5.1', 'No valid recipients'),
  /** The backend has accepted the message; its message ID follows `Ok` (RFC 5321 section 4.1.1.4). */
  delivered: reply(250, '2.0.0', 'Ok'),
  /** A chunk was read, and it is not the last (RFC 3030 section 2). */
  chunkOk: (octets: number) => reply(250, '2.0.0', `${octets} octets received`),
  /** BDAT without a valid size, so that the end of its chunk is unknown (RFC 3030 section 2). */
  chunkSyntax: reply(501, '5.5.4', 'Syntax: BDAT octets [LAST], closing connection'),
  /** DATA or RCPT after a chunk (RFC 3030 section 2). */
  bdatInProgress: reply(503, '5.5.1', 'BDAT in progress, only BDAT or RSET allowed'),
  /** DATA for a binary message (RFC 3030 section 3). */
  binaryNeedsBdat: reply(503, '5.5.1', 'BODY=BINARYMIME needs BDAT'),
  /** A bare CR or LF in a message, if these are rejected (RFC 5321 section 2.3.8). */
  bareNewlineInContent: reply(
    550,
    '5.5.2',
    'Bare CR or LF not allowed in a message, lines must end with CRLF',
  ),

  // Other commands
  /** VRFY, for any address (RFC 5321 section 3.5.3). */
  cannotVerify: reply(252, '2.5.0', 'Cannot verify, but will take a message and try'),
  /** VRFY without an address (RFC 5321 section 4.1.1.6). */
  verifySyntax: reply(501, '5.5.4', 'Syntax: VRFY address'),
  /** HELP (RFC 5321 section 4.1.1.8). */
  help: (commands: readonly string[]): Reply =>
    reply(214, '2.0.0', `Commands: ${commands.join(' ')}; see RFC 5321`),
  /** An argument after a command that takes none (RFC 5321 section 4.1.1). */
  noArgument: reply(501, '5.5.4', 'This command takes no argument'),

  // STARTTLS (RFC 3207)
  /** STARTTLS; the handshake may begin (RFC 3207 section 4). */
  readyForTls: reply(220, '2.0.0', 'Ready to start TLS'),
  /** STARTTLS under TLS (RFC 3207 section 4.2). */
  tlsAlready: reply(503, '5.5.1', 'TLS already active'),
  /** AUTH, MAIL, RCPT and others without TLS, if TLS is required (RFC 3207 section 4). */
  tlsFirst: reply(530, '5.7.0', 'Must issue a STARTTLS command first'),
  /** Plaintext after STARTTLS (hardening, RFC 3207 section 4, CVE-2011-0411). */
  tlsInjection: reply(554, '5.5.0', 'Nothing may follow STARTTLS in the clear, closing connection'),

  // AUTH (RFC 4954)
  /** A mechanism asks for a response (RFC 4954 section 4). */
  challenge: (base64: string): Reply => ({ code: 334, text: base64 }),
  /** The credentials are valid (RFC 4954 section 6). */
  loggedIn: reply(235, '2.7.0', 'Authentication successful'),
  /** The credentials are not valid, for any reason (RFC 4954 section 6). */
  badCredentials: reply(535, '5.7.8', 'Authentication credentials invalid'),
  /** The credentials could not be checked, for example because there were too many at once (RFC 4954 section 6). */
  loginUnavailable: reply(454, '4.7.0', 'Temporary authentication failure, try again later'),
  /** MAIL and others without authentication, if it is required (RFC 4954 section 6). */
  authRequired: reply(530, '5.7.0', 'Authentication required'),
  /** AUTH after a successful AUTH (RFC 4954 section 4). */
  loginAlready: reply(503, '5.5.1', 'Already authenticated'),
  /** AUTH in a transaction (RFC 4954 section 4). */
  loginInTransaction: reply(503, '5.5.1', 'AUTH not allowed in a transaction'),
  /** AUTH without a mechanism, or with too many arguments (RFC 4954 section 4). */
  authSyntax: reply(501, '5.5.4', 'Syntax: AUTH mechanism [initial response]'),
  /** A mechanism that is not offered (RFC 4954 section 4). */
  unknownMechanism: reply(504, '5.5.4', 'Authentication mechanism is not supported'),
  /** PLAIN or LOGIN without TLS, if STARTTLS is offered (RFC 4954 section 6). */
  tlsForMechanism: reply(538, '5.7.11', 'This authentication mechanism needs STARTTLS first'),
  /** The response `*` (RFC 4954 section 4). */
  loginCancelled: reply(501, '5.7.0', 'Authentication cancelled'),
  /** A response that is not valid base64 (RFC 4954 section 4). */
  badBase64: reply(501, '5.5.2', 'Not valid base64'),
  /** A response that is not valid for the mechanism (RFC 4954 section 4). */
  badResponse: reply(501, '5.5.2', 'Not a valid response of this authentication mechanism'),
  /** A response that is longer than the limit (RFC 4954 section 4). */
  responseTooLong: reply(500, '5.5.6', 'Authentication response is too long'),
  /** AUTH CRAM-MD5 with an initial response (RFC 4954 section 4). */
  noInitialResponse: reply(501, '5.5.4', 'This authentication mechanism takes no initial response'),
  /** The client has reached the limit of failed login attempts (hardening, RFC 4954 section 9). */
  tooManyLogins: reply(421, '4.7.0', 'Too many failed logins, closing connection'),
} as const)

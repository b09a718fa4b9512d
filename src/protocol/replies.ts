import { type Reply, reply } from './reply.ts'

/**
 * Every sentence that the engine says, and above it when, and by which rule; `docs/replies.md` is printed from that.
 * Codes: RFC 5321 section 4.2, RFC 4954 section 6; status codes: RFC 3463, RFC 5248.
 */
export const replies = {
  // Coming and going
  /** A connection is accepted (RFC 5321 section 3.1). */
  greeting: (hostname: string, service: string): Reply => ({
    code: 220,
    text: `${hostname} ${service} ESMTP Service ready`,
  }),
  /** QUIT (RFC 5321 section 4.1.1.10). */
  farewell: (hostname: string, service: string) =>
    reply(221, '2.0.0', `${hostname} ${service} closing connection`),
  /** The server stops, and no mail is under way, or there is no time left for it (RFC 5321 section 3.8). */
  shuttingDown: (hostname: string) => reply(421, '4.3.2', `${hostname} is shutting down, try again later`),
  /** The client was silent for too long, or its mail took too long (RFC 5321 section 4.5.3.2.7). */
  silentTooLong: (hostname: string) => reply(421, '4.4.2', `${hostname} waited too long, closing connection`),
  /** There are as many connections as there may be (RFC 5321 section 3.8). */
  tooManyConnections: (hostname: string) =>
    reply(421, '4.3.2', `${hostname} has too many connections, try later`),
  /** There are as many connections from this address as there may be (hardening, RFC 5321 section 7.8). */
  tooManyFromAddress: (hostname: string) =>
    reply(421, '4.7.0', `${hostname} has too many connections from your address, try later`),
  /** The server is short of room, and this client has been silent, or holds much (hardening, RFC 5321 section 3.8). */
  overloaded: (hostname: string) =>
    reply(421, '4.3.2', `${hostname} is overloaded, closing connection, try again later`),
  /** Anything but QUIT, from a client that was refused when it connected (RFC 5321 section 3.1). */
  notWelcome: reply(503, '5.5.1', 'Connection refused, only QUIT is possible'),
  /** Something failed in this program, or in whoever embeds it (RFC 5321 section 4.2.3). */
  localError: reply(451, '4.3.0', 'Local error in processing, try again later'),
  /** The host, and so the backend, does not answer in time (RFC 5321 section 4.5.3.2.6). */
  noAnswer: reply(451, '4.4.1', 'No answer in time, try again later'),
  /** The client has made as many errors as it may (hardening, RFC 5321 section 7.8). */
  tooManyErrors: reply(421, '4.7.0', 'Too many errors, closing connection'),

  // Lines
  /** A line is empty or begins with a space (RFC 5321 section 4.1.1). */
  noCommand: reply(500, '5.5.2', 'Syntax error, a line begins with a command'),
  /** A verb that is none (RFC 5321 section 4.2.4). */
  unknownCommand: reply(500, '5.5.1', 'Command unrecognized'),
  /** EXPN; STARTTLS where there is no certificate; AUTH where there is no mechanism (RFC 5321 section 4.2.4). */
  notImplemented: reply(502, '5.5.1', 'Command not implemented'),
  /** A command line is longer than it may be (RFC 5321 section 4.5.3.1.4). */
  lineTooLong: reply(500, '5.5.2', 'Line too long'),
  /** What is skipped of a line that is too long does not end, either (hardening, RFC 5321 section 7.8). */
  endlessLine: reply(421, '4.7.0', 'Line without an end, closing connection'),
  /** A command line or a response holds a CR or LF that is not of its CRLF (RFC 5321 section 2.3.8). */
  bareNewline: reply(500, '5.5.2', 'Lines must end with CRLF and hold no other CR or LF'),
  /** Characters beyond ASCII in a command that may not have them (RFC 6531 section 3.4). */
  notAscii: reply(500, '5.5.2', 'Only ASCII characters are possible in this command'),
  /** Bytes beyond ASCII that are no UTF-8 (RFC 6531 section 3.4). */
  notUtf8: reply(500, '5.5.2', 'Characters beyond ASCII must be UTF-8'),
  /** The client says more where it has to wait for a reply, with `--strict-pipelining` (RFC 2920 section 3.1). */
  tooEarly: reply(554, '5.5.0', 'Wait for the reply before you say more, closing connection'),
  /** A TLS handshake begins without STARTTLS (hardening, RFC 3207 section 4). */
  tlsBeforeStarttls: reply(500, '5.5.1', 'TLS begins with STARTTLS here, closing connection'),
  /** A method of HTTP, WebDAV included, or the preface of HTTP/2 (hardening, RFC 5321 section 7.8). */
  notHttp: reply(421, '4.7.0', 'This is SMTP, not HTTP, closing connection'),
  /** NOOP, RSET (RFC 5321 sections 4.1.1.9, 4.1.1.5). */
  ok: reply(250, '2.0.0', 'Ok'),

  // HELO, EHLO
  /** HELO (RFC 5321 section 4.1.1.1). */
  hello: (hostname: string, client: string): Reply => ({ code: 250, text: `${hostname} greets ${client}` }),
  /** EHLO; one line for each extension (RFC 5321 section 4.1.1.1). */
  extensions: (hostname: string, client: string, keywords: readonly string[]): Reply => ({
    code: 250,
    text: [`${hostname} greets ${client}`, ...keywords],
  }),
  /** HELO or EHLO without a name, or with one that cannot be printed (RFC 5321 section 4.1.1.1). */
  badName: reply(501, '5.5.4', 'HELO and EHLO need a name, at most 255 printable characters'),
  /** MAIL, RCPT, DATA or BDAT before HELO and EHLO (RFC 5321 section 4.1.4). */
  helloFirst: reply(503, '5.5.1', 'Say HELO or EHLO first'),
  /** AUTH before EHLO (RFC 4954 section 4). */
  ehloFirst: reply(503, '5.5.1', 'Say EHLO first'),

  // MAIL, RCPT
  /** MAIL is accepted (RFC 5321 section 4.1.1.2). */
  senderOk: reply(250, '2.1.0', 'Ok'),
  /** RCPT is accepted (RFC 5321 section 4.1.1.3). */
  recipientOk: reply(250, '2.1.5', 'Ok'),
  /** MAIL without `FROM:` or angle brackets (RFC 5321 section 4.1.1.2). */
  mailSyntax: reply(501, '5.5.2', 'Syntax: MAIL FROM:<address> [parameters]'),
  /** RCPT without `TO:` or angle brackets (RFC 5321 section 4.1.1.3). */
  rcptSyntax: reply(501, '5.5.2', 'Syntax: RCPT TO:<address> [parameters]'),
  /** What MAIL names is no address (RFC 5321 section 4.1.2). */
  badSender: reply(501, '5.1.7', 'Not a valid sender address'),
  /** What RCPT names is no address (RFC 5321 section 4.1.2). */
  badRecipient: reply(501, '5.1.3', 'Not a valid recipient address'),
  /** A sender beyond ASCII, and MAIL has no SMTPUTF8 (RFC 6531 section 3.5). */
  senderNotAscii: reply(550, '5.6.7', 'A sender address beyond ASCII needs SMTPUTF8'),
  /** A recipient beyond ASCII, and MAIL had no SMTPUTF8 (RFC 6531 section 3.5). */
  recipientNotAscii: reply(553, '5.6.7', 'A recipient address beyond ASCII needs SMTPUTF8'),
  /** What stands behind an address is no parameter (RFC 5321 section 4.1.2). */
  parameterSyntax: reply(501, '5.5.4', 'Syntax error in parameters'),
  /** The same parameter twice (RFC 5321 section 4.1.1.11). */
  parameterTwice: reply(501, '5.5.4', 'A parameter may be given once only'),
  /** The value of SIZE, BODY, AUTH or SMTPUTF8 is none that it may have (RFC 5321 section 4.1.1.11). */
  parameterValue: (name: string) => reply(501, '5.5.4', `Bad value of parameter ${name}`),
  /** A parameter that is unknown or not offered (RFC 5321 section 4.1.1.11). */
  unknownParameter: (name: string) => reply(555, '5.5.4', `Parameter ${name} is not supported`),
  /** The mail is larger than it may be, by its SIZE or by what came of it (RFC 1870 sections 6.1, 6.3). */
  tooLarge: (bytes: number) => reply(552, '5.3.4', `Message is larger than ${bytes} bytes`),
  /** MAIL in a transaction (RFC 5321 section 4.1.4). */
  nestedMail: reply(503, '5.5.1', 'MAIL was given already, RSET starts anew'),
  /** RCPT before MAIL (RFC 5321 section 4.1.4). */
  mailFirst: reply(503, '5.5.1', 'MAIL comes first'),
  /** The transaction has as many recipients as it may (RFC 5321 section 4.5.3.1.10). */
  tooManyRecipients: reply(452, '4.5.3', 'Too many recipients'),

  // DATA
  /** DATA is accepted (RFC 5321 section 4.1.1.4). */
  startInput: { code: 354, text: 'Start mail input; end with <CRLF>.<CRLF>' } as Reply,
  /** DATA or BDAT before MAIL and RCPT (RFC 5321 section 3.3). */
  rcptFirst: reply(503, '5.5.1', 'MAIL and RCPT come first'),
  /** DATA or BDAT after every recipient was refused (RFC 5321 section 3.3). */
  noValidRecipients: reply(554, '5.5.1', 'No valid recipients'),
  /** The backend has taken the mail; what it calls the mail stands behind `Ok` (RFC 5321 section 4.1.1.4). */
  delivered: reply(250, '2.0.0', 'Ok'),
  /** A chunk was read, and it is not the last (RFC 3030 section 2). */
  chunkOk: (octets: number) => reply(250, '2.0.0', `${octets} octets received`),
  /** BDAT without a size that can be read, so that nobody knows where its chunk ends (RFC 3030 section 2). */
  chunkSyntax: reply(501, '5.5.4', 'Syntax: BDAT octets [LAST], closing connection'),
  /** DATA or RCPT behind a chunk (RFC 3030 section 2). */
  chunksBegun: reply(503, '5.5.1', 'BDAT was given already, only BDAT or RSET can follow'),
  /** DATA for a mail that is binary (RFC 3030 section 3). */
  binaryNeedsBdat: reply(503, '5.5.1', 'BODY=BINARYMIME needs BDAT'),
  /** A CR or LF on its own in a mail, with `--bare-newline reject` (RFC 5321 section 2.3.8). */
  bareNewlineInContent: reply(
    550,
    '5.5.2',
    'Lines of a message must end with CRLF and hold no other CR or LF',
  ),

  // The rest
  /** VRFY, whoever it asks for (RFC 5321 section 3.5.3). */
  cannotVerify: reply(252, '2.5.0', 'Cannot verify, but will take a message and try'),
  /** VRFY without an address (RFC 5321 section 4.1.1.6). */
  verifySyntax: reply(501, '5.5.4', 'Syntax: VRFY address'),
  /** HELP (RFC 5321 section 4.1.1.8). */
  help: (commands: readonly string[]): Reply =>
    reply(214, '2.0.0', `Commands: ${commands.join(' ')}; see RFC 5321`),
  /** An argument behind a command that takes none (RFC 5321 section 4.1.1). */
  noArgument: reply(501, '5.5.4', 'No argument is possible'),

  // STARTTLS (RFC 3207)
  /** STARTTLS; the handshake may begin (RFC 3207 section 4). */
  readyForTls: reply(220, '2.0.0', 'Ready to start TLS'),
  /** STARTTLS under TLS (RFC 3207 section 4.2). */
  tlsAlready: reply(503, '5.5.1', 'TLS is up already'),
  /** AUTH, MAIL, RCPT and the like in the clear, with `--require-starttls` (RFC 3207 section 4). */
  tlsFirst: reply(530, '5.7.0', 'Say STARTTLS first'),
  /** Something follows STARTTLS in the clear (hardening, RFC 3207 section 4, CVE-2011-0411). */
  tlsInjection: reply(554, '5.5.0', 'Nothing may follow STARTTLS in the clear, closing connection'),

  // AUTH (RFC 4954)
  /** A mechanism asks for a response (RFC 4954 section 4). */
  challenge: (base64: string): Reply => ({ code: 334, text: base64 }),
  /** The credentials are right (RFC 4954 section 6). */
  loggedIn: reply(235, '2.7.0', 'Authentication successful'),
  /** The credentials are not right, for whatever reason (RFC 4954 section 6). */
  badCredentials: reply(535, '5.7.8', 'Authentication credentials invalid'),
  /** The credentials could not be checked: there were too many at once, for example (RFC 4954 section 6). */
  loginUnavailable: reply(454, '4.7.0', 'Temporary authentication failure, try again later'),
  /** MAIL and the like without a login, where one is required (RFC 4954 section 6). */
  loginFirst: reply(530, '5.7.0', 'Authentication required'),
  /** AUTH after a login (RFC 4954 section 4). */
  loginAlready: reply(503, '5.5.1', 'Logged in already'),
  /** AUTH in a transaction (RFC 4954 section 4). */
  loginInTransaction: reply(503, '5.5.1', 'AUTH is not possible during a mail transaction'),
  /** AUTH without a mechanism, or with too many arguments (RFC 4954 section 4). */
  authSyntax: reply(501, '5.5.4', 'Syntax: AUTH mechanism [initial response]'),
  /** A mechanism that is not offered (RFC 4954 section 4). */
  unknownMechanism: reply(504, '5.5.4', 'Authentication mechanism is not supported'),
  /** PLAIN or LOGIN in the clear, where there is STARTTLS (RFC 4954 section 6). */
  tlsForMechanism: reply(538, '5.7.11', 'This authentication mechanism needs STARTTLS first'),
  /** The response `*` (RFC 4954 section 4). */
  loginCancelled: reply(501, '5.7.0', 'Authentication cancelled'),
  /** A response that is no base64 (RFC 4954 section 4). */
  badBase64: reply(501, '5.5.2', 'Not valid base64'),
  /** A response that the mechanism cannot read (RFC 4954 section 4). */
  badResponse: reply(501, '5.5.2', 'Not a valid response of this authentication mechanism'),
  /** A response that is longer than it may be (RFC 4954 section 4). */
  responseTooLong: reply(500, '5.5.6', 'Authentication response is too long'),
  /** AUTH CRAM-MD5 with an initial response (RFC 4954 section 4). */
  noInitialResponse: reply(501, '5.5.4', 'This authentication mechanism takes no initial response'),
  /** The client has made as many failed attempts to log in as it may (hardening, RFC 4954 section 9). */
  tooManyLogins: reply(421, '4.7.0', 'Too many failed logins, closing connection'),
} as const

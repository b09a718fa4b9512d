import { type Reply, reply } from './reply.ts'

/** Every sentence that the engine says. Codes: RFC 5321 section 4.2, RFC 4954 section 6; status codes: RFC 3463, RFC 5248. */
export const replies = {
  // Coming and going
  greeting: (hostname: string, service: string): Reply => ({
    code: 220,
    text: `${hostname} ${service} ESMTP Service ready`,
  }),
  farewell: (hostname: string, service: string) =>
    reply(221, '2.0.0', `${hostname} ${service} closing connection`),
  shuttingDown: (hostname: string) => reply(421, '4.3.2', `${hostname} is shutting down, try again later`),
  silentTooLong: (hostname: string) => reply(421, '4.4.2', `${hostname} waited too long, closing connection`),
  tooManyConnections: (hostname: string) =>
    reply(421, '4.3.2', `${hostname} has too many connections, try later`),
  tooManyFromAddress: (hostname: string) =>
    reply(421, '4.7.0', `${hostname} has too many connections from your address, try later`),
  notWelcome: reply(503, '5.5.1', 'Connection refused, only QUIT is possible'),
  localError: reply(451, '4.3.0', 'Local error in processing, try again later'),
  noAnswer: reply(451, '4.4.1', 'No answer in time, try again later'),
  tooManyErrors: reply(421, '4.7.0', 'Too many errors, closing connection'),

  // Lines
  noCommand: reply(500, '5.5.2', 'Syntax error, a line begins with a command'),
  unknownCommand: reply(500, '5.5.1', 'Command unrecognized'),
  notImplemented: reply(502, '5.5.1', 'Command not implemented'),
  lineTooLong: reply(500, '5.5.2', 'Line too long'),
  endlessLine: reply(421, '4.7.0', 'Line without an end, closing connection'),
  bareNewline: reply(500, '5.5.2', 'Lines must end with CRLF and hold no other CR or LF'),
  notAscii: reply(500, '5.5.2', 'Only ASCII characters are possible in this command'),
  notUtf8: reply(500, '5.5.2', 'Characters beyond ASCII must be UTF-8'),
  tooEarly: reply(554, '5.5.0', 'Wait for the reply before you say more, closing connection'),
  tlsBeforeStarttls: reply(500, '5.5.1', 'TLS begins with STARTTLS here, closing connection'),
  notHttp: reply(421, '4.7.0', 'This is SMTP, not HTTP, closing connection'),
  ok: reply(250, '2.0.0', 'Ok'),

  // HELO, EHLO
  hello: (hostname: string, client: string): Reply => ({ code: 250, text: `${hostname} greets ${client}` }),
  extensions: (hostname: string, client: string, keywords: readonly string[]): Reply => ({
    code: 250,
    text: [`${hostname} greets ${client}`, ...keywords],
  }),
  badName: reply(501, '5.5.4', 'HELO and EHLO need a name, at most 255 printable characters'),
  helloFirst: reply(503, '5.5.1', 'Say HELO or EHLO first'),
  ehloFirst: reply(503, '5.5.1', 'Say EHLO first'),

  // MAIL, RCPT
  senderOk: reply(250, '2.1.0', 'Ok'),
  recipientOk: reply(250, '2.1.5', 'Ok'),
  mailSyntax: reply(501, '5.5.2', 'Syntax: MAIL FROM:<address> [parameters]'),
  rcptSyntax: reply(501, '5.5.2', 'Syntax: RCPT TO:<address> [parameters]'),
  badSender: reply(501, '5.1.7', 'Not a valid sender address'),
  badRecipient: reply(501, '5.1.3', 'Not a valid recipient address'),
  senderNotAscii: reply(550, '5.6.7', 'A sender address beyond ASCII needs SMTPUTF8'),
  recipientNotAscii: reply(553, '5.6.7', 'A recipient address beyond ASCII needs SMTPUTF8'),
  parameterSyntax: reply(501, '5.5.4', 'Syntax error in parameters'),
  parameterTwice: reply(501, '5.5.4', 'A parameter may be given once only'),
  parameterValue: (name: string) => reply(501, '5.5.4', `Bad value of parameter ${name}`),
  unknownParameter: (name: string) => reply(555, '5.5.4', `Parameter ${name} is not supported`),
  tooLarge: (bytes: number) => reply(552, '5.3.4', `Message is larger than ${bytes} bytes`),
  nestedMail: reply(503, '5.5.1', 'MAIL was given already, RSET starts anew'),
  mailFirst: reply(503, '5.5.1', 'MAIL comes first'),
  tooManyRecipients: reply(452, '4.5.3', 'Too many recipients'),

  // DATA
  startInput: { code: 354, text: 'Start mail input; end with <CRLF>.<CRLF>' } as Reply,
  rcptFirst: reply(503, '5.5.1', 'MAIL and RCPT come first'),
  noValidRecipients: reply(554, '5.5.1', 'No valid recipients'),
  delivered: reply(250, '2.0.0', 'Ok'),
  chunkOk: (octets: number) => reply(250, '2.0.0', `${octets} octets received`),
  chunkSyntax: reply(501, '5.5.4', 'Syntax: BDAT octets [LAST], closing connection'),
  chunksBegun: reply(503, '5.5.1', 'BDAT was given already, only BDAT or RSET can follow'),
  binaryNeedsBdat: reply(503, '5.5.1', 'BODY=BINARYMIME needs BDAT'),
  bareNewlineInContent: reply(
    550,
    '5.5.2',
    'Lines of a message must end with CRLF and hold no other CR or LF',
  ),

  // The rest
  cannotVerify: reply(252, '2.5.0', 'Cannot verify, but will take a message and try'),
  verifySyntax: reply(501, '5.5.4', 'Syntax: VRFY address'),
  help: (commands: readonly string[]): Reply =>
    reply(214, '2.0.0', `Commands: ${commands.join(' ')}; see RFC 5321`),
  noArgument: reply(501, '5.5.4', 'No argument is possible'),

  // STARTTLS (RFC 3207)
  readyForTls: reply(220, '2.0.0', 'Ready to start TLS'),
  tlsAlready: reply(503, '5.5.1', 'TLS is up already'),
  tlsFirst: reply(530, '5.7.0', 'Say STARTTLS first'),
  tlsInjection: reply(554, '5.5.0', 'Nothing may follow STARTTLS in the clear, closing connection'),

  // AUTH (RFC 4954)
  challenge: (base64: string): Reply => ({ code: 334, text: base64 }),
  loggedIn: reply(235, '2.7.0', 'Authentication successful'),
  badCredentials: reply(535, '5.7.8', 'Authentication credentials invalid'),
  loginUnavailable: reply(454, '4.7.0', 'Temporary authentication failure, try again later'),
  loginFirst: reply(530, '5.7.0', 'Authentication required'),
  loginAlready: reply(503, '5.5.1', 'Logged in already'),
  loginInTransaction: reply(503, '5.5.1', 'AUTH is not possible during a mail transaction'),
  authSyntax: reply(501, '5.5.4', 'Syntax: AUTH mechanism [initial response]'),
  unknownMechanism: reply(504, '5.5.4', 'Authentication mechanism is not supported'),
  tlsForMechanism: reply(538, '5.7.11', 'This authentication mechanism needs STARTTLS first'),
  loginCancelled: reply(501, '5.7.0', 'Authentication cancelled'),
  badBase64: reply(501, '5.5.2', 'Not valid base64'),
  badResponse: reply(501, '5.5.2', 'Not a valid response of this authentication mechanism'),
  responseTooLong: reply(500, '5.5.6', 'Authentication response is too long'),
  noInitialResponse: reply(501, '5.5.4', 'This authentication mechanism takes no initial response'),
  tooManyLogins: reply(421, '4.7.0', 'Too many failed logins, closing connection'),
} as const

import { type Reply, reply } from '../../protocol/reply.ts'
import type { CallOutcome } from '../events.ts'
import { PartialFailure } from '../relay.ts'
import { type ErrorInfo, inspectError, toReplyText } from './error-info.ts'
import { Refused } from './refused.ts'

/** A row: an error that meets every condition given gets the reply. */
export interface ErrorRule {
  /** One of these is the error's name or code. */
  readonly names?: readonly string[]
  /** What the error says. */
  readonly text?: RegExp
  /** One of these is the HTTP status. */
  readonly http?: readonly number[]
  /** `{text}` stands for what the error says, in one line of printable ASCII. */
  readonly reply: Reply
  /** The backend said that it has not taken the mail, and may take it in a moment. */
  readonly retryable?: boolean
}

const accessDenied = words(
  'AccessDenied AccessDeniedException ForbiddenException NotAuthorized OptInRequired',
)
const badCredentials = words(
  'CredentialsProviderError TokenProviderError ExpiredToken ExpiredTokenException InvalidClientTokenId',
  'UnrecognizedClientException SignatureDoesNotMatch InvalidSignatureException IncompleteSignature',
  'MissingAuthenticationToken MissingAuthenticationTokenException AuthFailure RequestExpired RequestInTheFuture',
  'RequestTimeTooSkewed',
)
const noSuchConfiguration = words(
  'ConfigurationSetDoesNotExist ConfigurationSetDoesNotExistException NotFoundException',
)
const paused = words(
  'AccountSendingPaused AccountSendingPausedException ConfigurationSetSendingPaused',
  'ConfigurationSetSendingPausedException SendingPausedException',
)
const throttled = words(
  'Throttling ThrottlingException ThrottledException TooManyRequestsException LimitExceededException SlowDown',
  'RequestLimitExceeded RequestThrottled RequestThrottledException BandwidthLimitExceeded',
  'EC2ThrottledException PriorRequestNotComplete ProvisionedThroughputExceededException',
  'TransactionInProgressException',
)
const badRequest = words(
  'InvalidAction InvalidParameterCombination InvalidQueryParameter MalformedQueryString MissingAction',
  'MissingParameter NoSuchVersion GoneException MethodNotAllowedException',
)
const rejected = words('MessageRejected')
const unverified = words(
  'MailFromDomainNotVerified MailFromDomainNotVerifiedException AccountSuspendedException',
)
const badParameter = words('InvalidParameterValue BadRequestException ValidationError ValidationException')
/** What SES is known to say of bad addresses are JavaMail's words (`InternetAddress`), so its other ones count, too. */
const badAddress = new RegExp(
  [
    'illegal (address|route-addr|semicolon|whitespace|character in (local name|domain))',
    '(empty|invalid|invalid email) address|invalid domain name|extra route-addr|nested group',
    `missing (local name|domain|final '@domain'|'[>)"\\]]')`,
    '(domain|local address) (contains|starts|ends|literal)',
  ].join('|'),
  'i',
)
const outOfOrder = words(
  'InternalFailure InternalError InternalServerErrorException InternalServiceErrorException',
  'InternalServiceError ServiceUnavailable ServiceUnavailableException',
)
const unreachable = words('ECONNREFUSED ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH EADDRNOTAVAIL')
const timedOut = words('TimeoutError AbortError ETIMEDOUT')
const cutOff = words('ECONNRESET ECONNABORTED EPIPE')
const badCertificate = words(
  'CERT_HAS_EXPIRED CERT_NOT_YET_VALID CERT_REVOKED CERT_REJECTED CERT_UNTRUSTED CERT_SIGNATURE_FAILURE',
  'CERT_CHAIN_TOO_LONG DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN HOSTNAME_MISMATCH INVALID_CA',
  'INVALID_PURPOSE UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID ERR_TLS_CERT_ALTNAME_FORMAT',
)
const diskFull = words('ENOSPC EDQUOT')
const badDirectory = words('EACCES EPERM EROFS ENOENT ENOTDIR EISDIR ELOOP ENAMETOOLONG')

const misconfigured = reply(451, '4.3.5', 'The relay is not set up correctly, try again later')
const noAccess = reply(451, '4.7.0', 'The relay is not allowed to send this, try again later')
const pausedForNow = reply(451, '4.3.2', 'Sending is paused, try again later')
const tooFast = reply(454, '4.7.0', 'Throttling failure: Maximum sending rate exceeded')
const tooLong = reply(552, '5.3.4', 'Message is too long')
const invalid = reply(554, '5.6.0', 'Transaction failed: {text}')
const temporary = reply(451, '4.3.0', 'Temporary service failure')
const notTrusted = reply(451, '4.7.5', 'The mail service cannot be trusted, try again later')
const notReached = reply(451, '4.4.1', 'The mail service cannot be reached, try again later')

/**
 * From what a backend threw to what the client hears; the first row that fits speaks.
 * What the operator can repair is temporary, so that no mail bounces meanwhile; so is all that nobody knows. Only what is
 * known to be about the mail itself is permanent: a mail that is tried in vain costs less than one that is lost.
 * `docs/replies.md` is printed from the rows and from the comments above them.
 */
export const errorTable: readonly ErrorRule[] = [
  // The operator's mistakes
  /** AWS does not know the credentials, or they have expired. */
  { names: badCredentials, reply: misconfigured },
  /** There is no region. */
  { text: /^Region is missing$|^Region not accepted/, reply: misconfigured },
  /** The role may not send. */
  { names: accessDenied, reply: noAccess },
  /** There is no such configuration set, or AWS cannot read the call. */
  { names: [...noSuchConfiguration, ...badRequest], reply: misconfigured },
  /** The configuration set, an ARN or a tag is wrong. */
  {
    names: badParameter,
    text: /'(configurationSetName|sourceArn|fromArn|returnPathArn|\w*identityArn|tags|emailTags|applicationId)/i,
    reply: misconfigured,
  },

  // What passes by itself
  /** Sending is paused for the account or the configuration set. */
  { names: paused, reply: pausedForNow },
  /** The same, as version 1 of the API says it. */
  { names: rejected, text: /^sending paused/i, reply: pausedForNow },
  /** The quota of the day is used up. */
  {
    names: throttled,
    text: /daily message quota/i,
    reply: reply(454, '4.7.0', 'Throttling failure: Daily message quota exceeded'),
  },
  /** More mails a second than the account may send. */
  { names: throttled, reply: tooFast, retryable: true },
  /** `--send-rate` has no room within `--max-wait`. */
  { names: ['SendRateExceeded'], reply: tooFast },
  /** No connection to AWS was free within `--max-wait`, or 256 messages were being written to the Maildir. */
  {
    names: ['TooManyCalls'],
    reply: reply(454, '4.7.0', 'Too many mails are being sent at once, try again later'),
  },
  /** `--message-memory` has no room within `--max-wait`. */
  { names: ['NoMemory'], reply: reply(452, '4.3.1', 'No memory for this mail now, try again later') },
  /** Content came too slowly while other messages waited for memory. */
  {
    names: ['TooSlow'],
    reply: reply(452, '4.3.1', 'Content came too slowly while memory was short, try again later'),
  },
  /** The client sends the same message again while an earlier attempt, which takes several calls, is in flight. */
  {
    names: ['DuplicateInFlight'],
    reply: reply(451, '4.3.0', 'The same message is already being delivered, try again later'),
  },

  // What is wrong with the mail
  /** The sender or, in the sandbox of SES, a recipient is not verified. */
  {
    names: rejected,
    text: /not verified|not authorized/i,
    reply: reply(554, '5.7.1', 'Message rejected: {text}'),
  },
  /** SES rejects the content, for a virus for example. */
  { names: rejected, reply: reply(554, '5.6.0', 'Message rejected: {text}') },
  /** The domain of the sender is not verified, or the account is suspended. */
  { names: unverified, reply: reply(554, '5.7.1', 'Message rejected: {text}') },
  /** More recipients than the backend takes in one call. */
  {
    names: badParameter,
    text: /recipient count exceeds/i,
    reply: reply(452, '4.5.3', 'Too many recipients in one mail'),
  },
  /** The mail is too large for the backend. */
  { names: badParameter, text: /length is (more|too long)|too large|message is too long/i, reply: tooLong },
  /** The backend takes an address for none. */
  {
    names: badParameter,
    text: badAddress,
    reply: reply(553, '5.1.3', 'Invalid address: {text}'),
  },
  /** The mail is not formed as mails are, a header is there twice for example. */
  // SES says the same of its own parameters, which are the operator's, so only the words that tell of a mail count.
  { names: badParameter, text: /\b(header|mime|boundary|attachment|charset|encoding)\b/i, reply: invalid },
  /** The call is too large for the backend. */
  { names: ['PayloadTooLargeException', 'RequestEntityTooLarge'], reply: tooLong },

  // What Pinpoint says of single recipients
  /** The backend throttles this recipient. */
  { names: ['THROTTLED'], reply: tooFast, retryable: true },
  /** It could not send to this recipient for now. */
  { names: ['TEMPORARY_FAILURE', 'UNKNOWN_FAILURE'], reply: temporary },
  /** This recipient wants no mail. */
  { names: ['OPT_OUT'], reply: reply(550, '5.7.1', 'The recipient has opted out') },
  /** It will never send to this recipient. */
  { names: ['PERMANENT_FAILURE'], reply: reply(554, '5.0.0', 'Message rejected: {text}') },

  // The way there
  /** No connection to AWS within the time. */
  { names: timedOut, text: /^connect |did not establish a connection/, reply: notReached },
  /** AWS cannot be reached. */
  { names: [...unreachable, 'EPROTO'], reply: notReached },
  /** The certificate on the way to AWS is not one to trust. */
  { names: badCertificate, reply: notTrusted },
  /** The connection broke before AWS answered. */
  { names: cutOff, reply: reply(451, '4.4.2', 'The mail service broke off the connection, try again later') },
  /** A whole answer says 2xx and is not the service's: a proxy's page, an empty body, another service's answer. */
  { names: ['UnexpectedAnswer'], reply: temporary },
  /** The answer is larger than any of the service's. */
  { names: ['AnswerTooLarge'], reply: temporary },
  /** AWS did not answer within `--upstream-timeout`. */
  { names: timedOut, reply: reply(451, '4.4.2', 'The mail service did not answer in time, try again later') },

  // The disk
  /** The disk of `-r maildir` is full. */
  { names: diskFull, reply: reply(452, '4.3.1', 'Insufficient system storage, try again later') },
  /** The folder of `-r maildir` is not there, or may not be written to. */
  { names: badDirectory, reply: misconfigured },

  // What AWS says of itself
  /** AWS is out of order, and says so. */
  // Only AWS itself knows that it has not taken the mail: to a proxy, a connection that broke after it was sent is a 502.
  { names: outOfOrder, http: [500, 503], reply: temporary, retryable: true },

  // What only the HTTP status tells
  /** A proxy or AWS refuses, and does not say more. */
  { http: [401, 403, 407], reply: noAccess },
  /** Nobody knows the address that the call went to. */
  { http: [404, 405, 410], reply: misconfigured },
  /** The call is too large. */
  { http: [413], reply: tooLong },
  /** Too many calls. */
  { http: [429], reply: tooFast },
]

/** What nobody knows is temporary. */
const unknownError: ErrorRule = { reply: temporary }

/** The reply to an error: one line of printable ASCII, 4xx or 5xx. */
export function replyFor(error: unknown): Reply {
  const failure = ruleFor(error)
  const { code, status, text } = failure.reply
  // Its text is its own; that of a partial failure names the recipient, too, who is meant.
  const sentence = failure instanceof Refused ? '{text}' : String(text)
  return reply(
    code,
    status!,
    sentence.replace('{text}', () => toReplyText(inspectError(error).text)),
  )
}

/** What a backend that threw this made of its call. */
export function outcomeOf(error: unknown): CallOutcome {
  const { code } = ruleFor(error).reply
  // RFC 4954 knows 454 for logins only; here it always says that there is too much of it.
  if (code === 454) return 'throttled'
  return code < 500 ? 'temporary' : 'permanent'
}

/**
 * The row that speaks for an error; a temporary failure where there is none. Who refuses speaks for itself, and the
 * first one of a partial failure for all.
 */
export function ruleFor(error: unknown): ErrorRule {
  if (error instanceof Refused) return error
  if (error instanceof PartialFailure) {
    const [first] = error.refused.values()
    return ruleFor(first)
  }
  const fault = inspectError(error)
  return errorTable.find(row => fits(row, fault)) ?? unknownError
}

function fits({ names, text, http }: ErrorRule, fault: ErrorInfo): boolean {
  if (names && !names.some(name => fault.names.has(name))) return false
  if (text && !text.test(fault.text)) return false
  return http === undefined || (fault.http !== undefined && http.includes(fault.http))
}

function words(...lines: string[]): readonly string[] {
  return lines.flatMap(line => line.split(' '))
}

import { type Reply, reply } from '../../protocol/index.ts'

/** A row of the error table. An error that meets all of its conditions gets the reply. */
export interface ErrorRule {
  /** The error has one of these names or codes. */
  readonly names?: readonly string[]
  /** The error's message matches. */
  readonly text?: RegExp
  /** The HTTP status is one of these. */
  readonly http?: readonly number[]
  /** The reply. `{text}` stands for the error's message, as one line of printable ASCII. */
  readonly reply: Reply
  /** The backend answered that it has not accepted the message, and may accept it in a moment. */
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
/** The messages of SES about bad addresses are those of JavaMail (`InternetAddress`), so all of JavaMail's are listed. */
const badAddress = new RegExp(
  [
    'illegal (address|route-addr|semicolon|whitespace|character in (local name|domain))',
    '(empty|invalid|invalid email) address|invalid domain name|extra route-addr|nested group',
    `missing (local name|domain|final '@domain'|'[>)"\\]]')`,
    '(domain|local address) (contains|starts|ends|literal)',
  ].join('|'),
  'i',
)
const serviceError = words(
  'InternalFailure InternalError InternalServerErrorException InternalServiceErrorException',
  'InternalServiceError ServiceUnavailable ServiceUnavailableException',
)
const unreachable = words('ECONNREFUSED ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH EADDRNOTAVAIL')
const timedOut = words('TimeoutError AbortError ETIMEDOUT')
const connectionLost = words('ECONNRESET ECONNABORTED EPIPE')
const badCertificate = words(
  'CERT_HAS_EXPIRED CERT_NOT_YET_VALID CERT_REVOKED CERT_REJECTED CERT_UNTRUSTED CERT_SIGNATURE_FAILURE',
  'CERT_CHAIN_TOO_LONG DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN HOSTNAME_MISMATCH INVALID_CA',
  'INVALID_PURPOSE UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID ERR_TLS_CERT_ALTNAME_FORMAT',
)
const diskFull = words('ENOSPC EDQUOT')
const badDirectory = words('EACCES EPERM EROFS ENOENT ENOTDIR EISDIR ELOOP ENAMETOOLONG')

const misconfigured = reply(451, '4.3.5', 'Relay is misconfigured, try again later')
const notAuthorized = reply(451, '4.7.0', 'Relay is not authorized to send this, try again later')
const sendingPaused = reply(451, '4.3.2', 'Sending is paused, try again later')
const rateExceeded = reply(454, '4.7.0', 'Throttling failure: Maximum sending rate exceeded')
const tooLong = reply(552, '5.3.4', 'Message is too long')
const invalid = reply(554, '5.6.0', 'Transaction failed: {text}')
const temporary = reply(451, '4.3.0', 'Temporary service failure')
const untrusted = reply(451, '4.7.5', 'Upstream certificate verification failed, try again later')
const notConnected = reply(451, '4.4.1', 'The mail service cannot be reached, try again later')

/**
 * Maps the errors of backends to SMTP replies. The first row that matches counts.
 * Errors that the operator can fix are temporary, so that no message bounces until they are fixed. Unknown errors are
 * temporary, too. Only errors that are known to be about the message itself are permanent: a useless retry costs less than
 * a lost message.
 * `docs/replies.md` is printed from the rows and from the comments above them.
 */
export const errorTable: readonly ErrorRule[] = [
  // Configuration and permissions
  /** The AWS credentials are missing, unknown or expired. */
  { names: badCredentials, reply: misconfigured },
  /** No AWS region is configured. */
  { text: /^Region is missing$|^Region not accepted/, reply: misconfigured },
  /** The IAM role may not send. */
  { names: accessDenied, reply: notAuthorized },
  /** The configuration set does not exist, or AWS cannot parse the request. */
  { names: [...noSuchConfiguration, ...badRequest], reply: misconfigured },
  /** The configuration set, an ARN or a tag is invalid. */
  {
    names: badParameter,
    text: /'(configurationSetName|sourceArn|fromArn|returnPathArn|\w*identityArn|tags|emailTags|applicationId)/i,
    reply: misconfigured,
  },

  // Temporary limits
  /** Sending is paused for the account or the configuration set. */
  { names: paused, reply: sendingPaused },
  /** Sending is paused, in the words of version 1 of the API. */
  { names: rejected, text: /^sending paused/i, reply: sendingPaused },
  /** The daily quota is used up. */
  {
    names: throttled,
    text: /daily message quota/i,
    reply: reply(454, '4.7.0', 'Throttling failure: Daily message quota exceeded'),
  },
  /** The account's sending rate is exceeded. */
  { names: throttled, reply: rateExceeded, retryable: true },
  /** `--send-rate` would delay the message for longer than `--max-wait`. */
  { names: ['SendRateExceeded'], reply: rateExceeded },
  /** No connection to AWS was free within `--max-wait`, or 256 messages were being written to the Maildir. */
  {
    names: ['TooManyCalls'],
    reply: reply(454, '4.7.0', 'Too many messages are being sent at once, try again later'),
  },
  /** `--message-memory` had no room within `--max-wait`. */
  { names: ['NoMemory'], reply: reply(452, '4.3.1', 'Insufficient memory, try again later') },
  /** The content came too slowly while other messages waited for memory. */
  {
    names: ['TooSlow'],
    reply: reply(452, '4.3.1', 'Content came too slowly while memory was short, try again later'),
  },
  /** The client sends a message again while an earlier attempt, which takes several calls, is in flight. */
  {
    names: ['DuplicateInFlight'],
    reply: reply(451, '4.3.0', 'The same message is already being delivered, try again later'),
  },

  // Rejected messages
  /** The sender is not verified, or a recipient is not verified in the SES sandbox. */
  {
    names: rejected,
    text: /not verified|not authorized/i,
    reply: reply(554, '5.7.1', 'Message rejected: {text}'),
  },
  /** SES rejects the content, for example because of a virus. */
  { names: rejected, reply: reply(554, '5.6.0', 'Message rejected: {text}') },
  /** The domain of the sender is not verified, or the account is suspended. */
  { names: unverified, reply: reply(554, '5.7.1', 'Message rejected: {text}') },
  /** The backend does not take this number of recipients in one call. */
  {
    names: badParameter,
    text: /recipient count exceeds/i,
    reply: reply(452, '4.5.3', 'Too many recipients in one message'),
  },
  /** The message is too large for the backend. */
  { names: badParameter, text: /length is (more|too long)|too large|message is too long/i, reply: tooLong },
  /** The backend rejects an address as invalid. */
  {
    names: badParameter,
    text: badAddress,
    reply: reply(553, '5.1.3', 'Invalid address: {text}'),
  },
  /** The message is malformed, for example because a header occurs twice. */
  // SES reports its own parameters, which the operator sets, in the same way. So only words that are about messages count.
  { names: badParameter, text: /\b(header|mime|boundary|attachment|charset|encoding)\b/i, reply: invalid },
  /** The request is too large for the backend. */
  { names: ['PayloadTooLargeException', 'RequestEntityTooLarge'], reply: tooLong },

  // Results of Pinpoint for single recipients
  /** Pinpoint throttles this recipient. */
  { names: ['THROTTLED'], reply: rateExceeded, retryable: true },
  /** Pinpoint cannot send to this recipient now. */
  { names: ['TEMPORARY_FAILURE', 'UNKNOWN_FAILURE'], reply: temporary },
  /** The recipient has opted out of mail. */
  { names: ['OPT_OUT'], reply: reply(550, '5.7.1', 'The recipient has opted out') },
  /** Pinpoint will never send to this recipient. */
  { names: ['PERMANENT_FAILURE'], reply: reply(554, '5.0.0', 'Message rejected: {text}') },

  // The network
  /** Connecting to AWS timed out. */
  { names: timedOut, text: /^connect |did not establish a connection/, reply: notConnected },
  /** AWS cannot be reached. */
  { names: [...unreachable, 'EPROTO'], reply: notConnected },
  /** The TLS certificate of the AWS endpoint could not be verified. */
  { names: badCertificate, reply: untrusted },
  /** The connection broke before AWS answered. */
  {
    names: connectionLost,
    reply: reply(451, '4.4.2', 'The mail service broke off the connection, try again later'),
  },
  /** A complete answer with 2xx is not from the service: it is a proxy's page, empty, or another service's answer. */
  { names: ['UnexpectedAnswer'], reply: temporary },
  /** The answer is larger than any answer of the service. */
  { names: ['AnswerTooLarge'], reply: temporary },
  /** AWS did not answer within `--upstream-timeout`. */
  { names: timedOut, reply: reply(451, '4.4.2', 'The mail service did not answer in time, try again later') },

  // The file system
  /** The disk of `-r maildir` is full. */
  { names: diskFull, reply: reply(452, '4.3.1', 'Insufficient system storage, try again later') },
  /** The directory of `-r maildir` does not exist, or is not writable. */
  { names: badDirectory, reply: misconfigured },

  // Failures of AWS
  /** AWS reports that it has failed. */
  // Only AWS knows that it has not accepted the message. A proxy answers 502 even if the request reached AWS.
  { names: serviceError, http: [500, 503], reply: temporary, retryable: true },

  // HTTP statuses without an error code
  /** A proxy or AWS denies access, without a reason. */
  { http: [401, 403, 407], reply: notAuthorized },
  /** The URL of the request does not exist. */
  { http: [404, 405, 410], reply: misconfigured },
  /** The request is too large. */
  { http: [413], reply: tooLong },
  /** Too many requests. */
  { http: [429], reply: rateExceeded },
]

/** An error that matches no row is temporary. */
export const unknownError: ErrorRule = { reply: temporary }

function words(...lines: string[]): readonly string[] {
  return lines.flatMap(line => line.split(' '))
}

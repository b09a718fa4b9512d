import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { classify } from '../../src/relay/errors/delivery-failure.ts'
import { logText } from '../../src/relay/errors/error-info.ts'
import { Refused } from '../../src/relay/errors/refused.ts'
import { NoMemory, TooSlow } from '../../src/relay/limits/memory-budget.ts'

/** An error of the AWS SDK: its name, what it says, the HTTP status. */
function aws(name: string, message: string, httpStatusCode?: number): Error {
  const $metadata = httpStatusCode === undefined ? undefined : { httpStatusCode }
  return Object.assign(new Error(message), { name, $metadata })
}

/** An error of this program. */
function named(name: string): Error {
  return Object.assign(new Error('x'), { name })
}

/** An error of the system. */
function system(code: string, message = `${code}: it failed`, name = 'Error'): Error {
  return Object.assign(new Error(message), { code, name })
}

const verification =
  'Email address is not verified. The following identities failed the check in region EU-WEST-1: alice@example.org'
const tooLong = "Message length is more than 10485760 bytes long: '12078147'."

const rows: readonly (readonly [error: unknown, reply: string])[] = [
  // The operator's mistakes
  [new Error('Region is missing'), '451 4.3.5'],
  [new Error('Region not accepted: region="" is not a valid hostname component.'), '451 4.3.5'],
  [aws('CredentialsProviderError', 'Could not load credentials from any providers'), '451 4.3.5'],
  [aws('ExpiredToken', 'The security token included in the request is expired', 403), '451 4.3.5'],
  [aws('ExpiredTokenException', 'expired', 403), '451 4.3.5'],
  [aws('InvalidClientTokenId', 'The security token included in the request is invalid', 403), '451 4.3.5'],
  [aws('UnrecognizedClientException', 'invalid', 403), '451 4.3.5'],
  [aws('SignatureDoesNotMatch', 'The request signature we calculated …', 403), '451 4.3.5'],
  [aws('RequestExpired', 'Request has expired', 400), '451 4.3.5'],
  [aws('MissingAuthenticationToken', 'missing', 403), '451 4.3.5'],
  [aws('AccessDenied', 'User: arn:aws:iam::123456789012:user/x is not authorized', 403), '451 4.7.0'],
  [aws('AccessDeniedException', 'no', 403), '451 4.7.0'],
  [aws('ForbiddenException', 'no', 403), '451 4.7.0'],
  [aws('ConfigurationSetDoesNotExistException', 'Configuration set <x> does not exist.', 400), '451 4.3.5'],
  [aws('NotFoundException', 'Configuration set x does not exist', 404), '451 4.3.5'],
  [
    aws(
      'ValidationError',
      "1 validation error detected: Value at 'configurationSetName' failed to satisfy",
      400,
    ),
    '451 4.3.5',
  ],
  [aws('BadRequestException', "Value at 'fromEmailAddressIdentityArn' failed", 400), '451 4.3.5'],

  // What passes by itself
  [aws('AccountSendingPausedException', 'paused', 400), '451 4.3.2'],
  [aws('ConfigurationSetSendingPausedException', 'paused', 400), '451 4.3.2'],
  [aws('SendingPausedException', 'paused', 400), '451 4.3.2'],
  [
    aws('MessageRejected', 'Sending paused for this account. For more information, please …', 400),
    '451 4.3.2',
  ],
  [
    aws('Throttling', 'Daily message quota exceeded.', 400),
    '454 4.7.0 Throttling failure: Daily message quota exceeded',
  ],
  [
    aws('Throttling', 'Maximum sending rate exceeded.', 400),
    '454 4.7.0 Throttling failure: Maximum sending rate exceeded',
  ],
  [aws('ThrottlingException', 'Rate exceeded', 400), '454 4.7.0'],
  [aws('TooManyRequestsException', 'Too many requests', 429), '454 4.7.0'],
  [aws('LimitExceededException', 'limit', 400), '454 4.7.0'],
  [aws('SlowDown', 'slow', 503), '454 4.7.0'],

  // What is wrong with the mail
  [aws('MessageRejected', verification, 400), `554 5.7.1 Message rejected: ${verification}`],
  [aws('MessageRejected', 'Content rejected', 400), '554 5.6.0 Message rejected: Content rejected'],
  [aws('MailFromDomainNotVerifiedException', 'not verified', 400), '554 5.7.1'],
  [aws('AccountSuspendedException', 'suspended', 400), '554 5.7.1'],
  [aws('InvalidParameterValue', 'Recipient count exceeds 50.', 400), '452 4.5.3'],
  [aws('InvalidParameterValue', tooLong, 400), '552 5.3.4 Message is too long'],
  [aws('BadRequestException', 'Message length is too long', 400), '552 5.3.4'],
  [
    aws('InvalidParameterValue', "Missing final '@domain'", 400),
    "553 5.1.3 Invalid address: Missing final '@domain'",
  ],
  [aws('InvalidParameterValue', 'Illegal address', 400), '553 5.1.3'],
  [aws('InvalidParameterValue', 'Domain contains illegal character', 400), '553 5.1.3'],
  [aws('InvalidParameterValue', 'Local address contains control or whitespace', 400), '553 5.1.3'],
  [
    aws('InvalidParameterValue', "Duplicate header 'Subject'.", 400),
    "554 5.6.0 Transaction failed: Duplicate header 'Subject'.",
  ],
  [aws('InvalidParameterValue', "Missing required header 'From'.", 400), '554 5.6.0'],
  [aws('BadRequestException', "Duplicate header 'Subject'.", 400), '554 5.6.0 Transaction failed: Dup'],
  [aws('InvalidParameterValue', 'Illegal semicolon, not in group', 400), '553 5.1.3'],
  [aws('InvalidParameterValue', 'Missing domain', 400), '553 5.1.3'],
  [aws('InvalidParameterValue', 'Illegal character in domain', 400), '553 5.1.3'],
  [aws('PayloadTooLargeException', 'too large', 413), '552 5.3.4'],
  [aws('SyntaxError', 'Unexpected token <', 413), '552 5.3.4'],

  // The way there
  [system('ECONNREFUSED'), '451 4.4.1'],
  [system('ENOTFOUND'), '451 4.4.1'],
  [system('EAI_AGAIN'), '451 4.4.1'],
  [system('EHOSTUNREACH'), '451 4.4.1'],
  [
    aws(
      'TimeoutError',
      '@smithy/node-http-handler - the request socket did not establish a connection with …',
    ),
    '451 4.4.1',
  ],
  [system('ETIMEDOUT', 'connect ETIMEDOUT 192.0.2.1:443', 'TimeoutError'), '451 4.4.1'],
  [system('ECONNRESET', 'socket hang up', 'TimeoutError'), '451 4.4.2'],
  [system('EPIPE', 'write EPIPE', 'TimeoutError'), '451 4.4.2'],
  [aws('TimeoutError', 'no answer within 60000 ms'), '451 4.4.2'],
  [aws('AbortError', 'Request aborted'), '451 4.4.2'],

  // The disk
  [system('ENOSPC'), '452 4.3.1'],
  [system('EDQUOT'), '452 4.3.1'],
  [system('EACCES'), '451 4.3.5'],
  [system('EROFS'), '451 4.3.5'],
  [system('ENOENT'), '451 4.3.5'],
  [system('EIO'), '451 4.3.0'],

  // What only the status tells
  [aws('InternalFailure', 'internal', 500), '451 4.3.0 Temporary service failure'],
  [aws('ServiceUnavailable', 'unavailable', 503), '451 4.3.0'],
  [aws('InternalServiceErrorException', 'internal', 500), '451 4.3.0'],
  [aws('RequestTimeout', 'timeout', 400), '451 4.3.0'],
  [aws('Unknown', 'UnknownError', 502), '451 4.3.0'],
  [aws('SyntaxError', 'Unexpected token <', 502), '451 4.3.0'],
  [aws('Unknown', 'UnknownError', 302), '451 4.3.0'],
  [aws('Unknown', 'UnknownError', 401), '451 4.7.0'],
  [aws('Unknown', 'UnknownError', 403), '451 4.7.0'],
  [aws('Unknown', 'UnknownError', 404), '451 4.3.5'],
  [aws('Unknown', 'UnknownError', 407), '451 4.7.0'],
  [aws('Unknown', 'UnknownError', 413), '552 5.3.4'],
  [aws('Unknown', 'UnknownError', 429), '454 4.7.0'],
  // Nothing says that these are about the mail
  [aws('Unknown', 'UnknownError', 400), '451 4.3.0'],
  [aws('Unknown', 'UnknownError', 499), '451 4.3.0'],
  [aws('NeverHeardOf', 'what is this', 400), '451 4.3.0 Temporary service failure'],
  [aws('InvalidAction', 'Could not find operation SendRawEmail', 400), '451 4.3.5'],
  [aws('MissingParameter', 'The request must contain the parameter Source', 400), '451 4.3.5'],
  [aws('GoneException', 'Amazon Pinpoint is gone', 410), '451 4.3.5'],
  [aws('Unknown', 'UnknownError', 410), '451 4.3.5'],
  [aws('InvalidParameterValue', 'Invalid ARN: arn:aws:ses:eu-west-1:123456789012:identity/x', 400), '451'],
  [aws('InvalidParameterValue', 'Something nobody has seen', 400), '451 4.3.0 Temporary service failure'],
  [aws('BadRequestException', 'Invalid tag name', 400), '451 4.3.0'],
  [aws('ValidationError', 'Request ARN is invalid', 400), '451 4.3.0'],
  [named('TooManyCalls'), '454 4.7.0 Too many messages are being sent at once'],
  [new NoMemory(), '452 4.3.1 Insufficient memory, try again later'],
  [new TooSlow(), '452 4.3.1 Content came too slowly while memory was short, try again later'],
  [named('DuplicateInFlight'), '451 4.3.0 The same message is already being delivered'],
  [new TypeError('our own mistake'), '451 4.3.0 Temporary service failure'],
  ['not even an error', '451 4.3.0'],
  // Words that stand elsewhere in a text do not say the same
  [new Error('no Region is missing'), '451 4.3.0'],
  [new Error('Region is missing a letter'), '451 4.3.0'],
  [new Error('the Region not accepted'), '451 4.3.0'],
  [aws('MessageRejected', 'Content about sending paused', 400), '554 5.6.0'],
  [aws('TimeoutError', 'could not connect in time'), '451 4.4.2'],
  [undefined, '451 4.3.0'],
]
for (const [error, expected] of rows) {
  test(`${logText(error)} is ${expected}`, () => {
    const { code, status, text } = classify(error).reply
    assert.equal(`${code} ${status} ${text}`.slice(0, expected.length), expected)
  })
}

/** Every name of the table, by all that its reply says. */
const replies: Readonly<Record<string, string>> = {
  '451 4.3.5 Relay is misconfigured, try again later': `
    CredentialsProviderError TokenProviderError ExpiredToken ExpiredTokenException InvalidClientTokenId
    UnrecognizedClientException SignatureDoesNotMatch InvalidSignatureException IncompleteSignature
    MissingAuthenticationToken MissingAuthenticationTokenException AuthFailure RequestExpired RequestInTheFuture
    RequestTimeTooSkewed ConfigurationSetDoesNotExist ConfigurationSetDoesNotExistException NotFoundException
    InvalidAction InvalidParameterCombination InvalidQueryParameter MalformedQueryString MissingAction
    MissingParameter NoSuchVersion GoneException MethodNotAllowedException
    EACCES EPERM EROFS ENOENT ENOTDIR EISDIR ELOOP ENAMETOOLONG`,
  '451 4.7.0 Relay is not authorized to send this, try again later':
    'AccessDenied AccessDeniedException ForbiddenException NotAuthorized OptInRequired',
  '451 4.3.2 Sending is paused, try again later': `
    AccountSendingPaused AccountSendingPausedException ConfigurationSetSendingPaused
    ConfigurationSetSendingPausedException SendingPausedException`,
  '454 4.7.0 Throttling failure: Maximum sending rate exceeded': `
    Throttling ThrottlingException ThrottledException TooManyRequestsException LimitExceededException SlowDown
    RequestLimitExceeded RequestThrottled RequestThrottledException BandwidthLimitExceeded EC2ThrottledException
    PriorRequestNotComplete ProvisionedThroughputExceededException TransactionInProgressException
    SendRateExceeded THROTTLED`,
  '454 4.7.0 Too many messages are being sent at once, try again later': 'TooManyCalls',
  '452 4.3.1 Insufficient memory, try again later': 'NoMemory',
  '452 4.3.1 Content came too slowly while memory was short, try again later': 'TooSlow',
  '451 4.3.0 The same message is already being delivered, try again later': 'DuplicateInFlight',
  '554 5.6.0 Message rejected: x': 'MessageRejected',
  '554 5.7.1 Message rejected: x':
    'MailFromDomainNotVerified MailFromDomainNotVerifiedException AccountSuspendedException',
  '552 5.3.4 Message is too long': 'PayloadTooLargeException RequestEntityTooLarge',
  '451 4.3.0 Temporary service failure': 'TEMPORARY_FAILURE UNKNOWN_FAILURE UnexpectedAnswer AnswerTooLarge',
  '550 5.7.1 The recipient has opted out': 'OPT_OUT',
  '554 5.0.0 Message rejected: x': 'PERMANENT_FAILURE',
  '451 4.4.1 The mail service cannot be reached, try again later':
    'ECONNREFUSED ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH EADDRNOTAVAIL EPROTO',
  '451 4.7.5 Upstream certificate verification failed, try again later': `
    CERT_HAS_EXPIRED CERT_NOT_YET_VALID CERT_REVOKED CERT_REJECTED CERT_UNTRUSTED CERT_SIGNATURE_FAILURE
    CERT_CHAIN_TOO_LONG DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN HOSTNAME_MISMATCH INVALID_CA
    INVALID_PURPOSE UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_VERIFY_LEAF_SIGNATURE
    ERR_TLS_CERT_ALTNAME_INVALID ERR_TLS_CERT_ALTNAME_FORMAT`,
  '451 4.4.2 The mail service broke off the connection, try again later': 'ECONNRESET ECONNABORTED EPIPE',
  '451 4.4.2 The mail service did not answer in time, try again later': 'TimeoutError AbortError ETIMEDOUT',
  '452 4.3.1 Insufficient system storage, try again later': 'ENOSPC EDQUOT',
}
for (const [expected, names] of Object.entries(replies)) {
  for (const name of names.trim().split(/\s+/)) {
    test(`${name} alone is ${expected}`, () => {
      const { code, status, text } = classify(system(name, 'x')).reply
      assert.equal(`${code} ${status} ${text}`, expected)
    })
  }
}

test('a reply can name the recipient that it is about, in front of what the error says', () => {
  const replyNaming = (error: unknown) => {
    const { code, status, text } = classify(error).replyNaming('a@b.c')
    return `${code} ${status} ${text}`
  }
  assert.equal(replyNaming(aws('OPT_OUT', 'x')), '550 5.7.1 The recipient has opted out')
  assert.equal(replyNaming(aws('PERMANENT_FAILURE', 'because')), '554 5.0.0 Message rejected: a@b.c: because')
  assert.equal(replyNaming(new Refused(550, '5.1.1', 'Nobody {text}')), '550 5.1.1 a@b.c: Nobody {text}')
})

test('the reply to too many recipients contains no text of the backend', () => {
  const { text } = classify(aws('InvalidParameterValue', 'Recipient count exceeds 50.', 400)).reply
  assert.equal(text, 'Too many recipients in one message')
})

test('a failure is throttled, temporary or permanent by its reply', () => {
  assert.equal(classify(aws('Throttling', 'x', 400)).outcome, 'throttled')
  assert.equal(classify(named('TooManyCalls')).outcome, 'throttled')
  assert.equal(classify(new NoMemory()).outcome, 'temporary')
  assert.equal(classify(new Error('what nobody knows')).outcome, 'temporary')
  assert.equal(classify(aws('OPT_OUT', 'x')).outcome, 'permanent')
  assert.equal(classify(aws('MessageRejected', 'x', 400)).outcome, 'permanent')
})

test('the name on the wire counts if that of the SDK differs', () => {
  const error = Object.assign(new Error('x'), { name: 'SESServiceException', Code: 'Throttling' })
  assert.equal(classify(error).reply.code, 454)
})

test('whatever is thrown, the reply is a failure in one short line of printable ASCII', () => {
  const text = fc.string({ unit: 'binary', maxLength: 2000 })
  const name = fc.constantFrom('MessageRejected', 'InvalidParameterValue', 'Throttling', 'Unknown', 'Error')
  fc.assert(
    fc.property(
      fc.oneof(
        fc.anything(),
        fc.tuple(name, text).map(([n, t]) => aws(n, t, 400)),
      ),
      error => {
        const reply = classify(error).reply
        assert.ok(reply.code >= 400 && reply.code < 600)
        assert.match(`${reply.code} ${reply.status} ${reply.text}`, /^[45]\d\d [45]\.\d\.\d [ -~]{1,440}$/)
        assert.equal(typeof logText(error), 'string')
      },
    ),
  )
})

test('only an error with a code of AWS is retryable', () => {
  for (const [name, status] of [
    ['InternalFailure', 500],
    ['InternalServiceErrorException', 500],
    ['ServiceUnavailable', 503],
    ['Throttling', 400],
    ['TooManyRequestsException', 429],
    ['THROTTLED', 200],
  ] as const) {
    assert.equal(classify(aws(name, 'x', status)).retryable, true, name)
  }
  for (const status of [429, 500, 501, 502, 503, 504]) {
    for (const name of ['Unknown', 'SyntaxError', 'Error', `${status}`]) {
      assert.equal(classify(aws(name, 'x', status)).retryable, false, `${name} ${status}`)
    }
  }
  for (const status of [501, 502, 504]) {
    assert.equal(classify(aws('ServiceUnavailable', 'x', status)).retryable, false, `${status}`)
  }
})

test('the account and the role are not shown to the client', () => {
  const error = aws(
    'AccessDenied',
    'User: arn:aws:iam::123456789012:user/x is not authorized to perform',
    403,
  )
  assert.doesNotMatch(String(classify(error).reply.text), /arn|\d{12}/)
})

test("a placeholder in an error's message is not replaced", () => {
  assert.equal(classify(aws('MessageRejected', '$& {text}', 400)).reply.text, 'Message rejected: $& {text}')
})

const logged: readonly (readonly [error: unknown, text: string])[] = [
  [aws('MessageRejected', 'Content rejected', 400), 'MessageRejected: Content rejected'],
  [new Error('Region is missing'), 'MissingRegion: could not find region configuration'],
  [aws('Unknown', 'UnknownError', 502), 'UnreadableAnswer: HTTP 502'],
  [aws('Error', '@aws-sdk XML parse error: no root element.', 503), 'UnreadableAnswer: HTTP 503'],
  [aws('SyntaxError', 'Unexpected token < in JSON', 500), 'UnreadableAnswer: HTTP 500'],
  [aws('504', 'UnknownError', 504), 'UnreadableAnswer: HTTP 504'],
  [aws('NotFound', 'Unknown', 404), 'UnreadableAnswer: HTTP 404'],
  [aws('NotFoundException', 'no such set', 404), 'NotFoundException: no such set'],
  [
    aws('SignatureDoesNotMatch', 'No match.\n\nx-amz-security-token:SECRET', 403),
    'SignatureDoesNotMatch: No match.',
  ],
  [
    Object.assign(new AggregateError([system('ECONNREFUSED', 'a'), system('ECONNREFUSED', 'b')], ''), {
      code: 'X',
    }),
    'AggregateError: a; b',
  ],
  [system('ECONNRESET', ''), 'Error: ECONNRESET'],
  ['text', 'Error: text'],
]
for (const [error, text] of logged) {
  test(`the log text is ${text}`, () => assert.equal(logText(error), text))
}

test('the reply of a Refused is used as it is, in one line of printable ASCII', () => {
  const refused = new Refused(550, '5.1.1', 'Nobody\r\nof that näme, {text}')
  assert.deepEqual(classify(refused).reply, {
    code: 550,
    status: '5.1.1',
    text: 'Nobody of that n?me, {text}',
  })
  assert.equal(classify(refused).outcome, 'permanent')
  assert.equal(classify(new Refused(500, '5.0.0', 'Never')).outcome, 'permanent')
  assert.equal(classify(new Refused(451, '4.3.0', 'Later')).outcome, 'temporary')
  assert.equal(classify(refused).retryable, false)
})

test('the code and the status of a Refused have to be those of the same failure', () => {
  for (const [code, status] of [
    [250, '2.0.0'],
    [550, '4.1.1'],
    [451, '5.3.0'],
    [451, ''],
    [451, '4.3'],
    [560, '5.0.0'],
    [450.5, '4.0.0'],
    [354, '3.0.0'],
  ] as const) {
    assert.throws(() => new Refused(code, status, 'No'), RangeError, `${code} ${status}`)
  }
})

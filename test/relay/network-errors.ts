import type { Outcome } from '../support/fake-aws.ts'

/** A case: its name, what the fake does, and the beginning of the reply. */
export type Row = readonly [name: string, outcome: Outcome, reply: string]

const html = '<html><body>Bad gateway</body></html>'
/** The page of nginx, which an XML parser rejects. */
const nginx = `<html>\r
<head><title>502 Bad Gateway</title></head>\r
<body>\r
<center><h1>502 Bad Gateway</h1></center>\r
<hr><center>nginx/1.24.0</center>\r
</body>\r
</html>\r
`
export const nginxPage: Outcome = { type: 'answer', status: 502, contentType: 'text/html', body: nginx }

/** Errors of the network, the same for every service of AWS. */
export const networkErrors: readonly Row[] = [
  ["a proxy's 400", page(400), '451 4.3.0'],
  ["a proxy's 401", page(401), '451 4.7.0'],
  ["a proxy's 403", page(403), '451 4.7.0'],
  ["a proxy's 407", page(407), '451 4.7.0'],
  ["a proxy's 413", page(413), '552 5.3.4 Message is too long'],
  ["a proxy's 429", page(429), '454 4.7.0'],
  ["a proxy's 500", page(500), '451 4.3.0 Temporary service failure'],
  ["a proxy's 502", page(502), '451 4.3.0'],
  ["nginx's 502", nginxPage, '451 4.3.0'],
  ["a proxy's 503", page(503), '451 4.3.0'],
  ["a proxy's 504", page(504), '451 4.3.0'],
  ["a proxy's redirect", page(302), '451 4.3.0'],
  ['another server at that address', page(404), '451 4.3.5'],
  ['an empty 500', { type: 'answer', status: 500, contentType: 'text/plain', body: '' }, '451 4.3.0'],
  ['a 500 of half XML', { type: 'answer', status: 500, contentType: 'text/xml', body: '<Err' }, '451 4.3.0'],
  [
    'a 503 of half JSON',
    { type: 'answer', status: 503, contentType: 'application/json', body: '{"mess' },
    '451 4.3.0',
  ],
  ['a reset before the request was read', { type: 'reset', bodyRead: false }, '451 4.4.2'],
  ['a reset after the request was read', { type: 'reset', bodyRead: true }, '451 4.4.2'],
  ['no answer', { type: 'hang' }, '451 4.4.2'],
]

/** Errors that every service of AWS returns. */
export const everyService: readonly Row[] = [
  [
    'denied access',
    refuse(403, 'AccessDeniedException', 'User: arn:aws:iam::123456789012:user/x'),
    '451 4.7.0',
  ],
  ['an expired token', refuse(403, 'ExpiredTokenException', 'expired'), '451 4.3.5'],
  ['unknown credentials', refuse(403, 'UnrecognizedClientException', 'invalid'), '451 4.3.5'],
  ['a bad signature', refuse(403, 'InvalidSignatureException', 'no match'), '451 4.3.5'],
  ['a clock that is wrong', refuse(403, 'RequestTimeTooSkewed', 'skewed'), '451 4.3.5'],
  [
    'throttling',
    refuse(429, 'TooManyRequestsException', 'Too many requests'),
    '454 4.7.0 Throttling failure: Max',
  ],
  ['an error inside AWS', refuse(500, 'InternalServiceErrorException', 'internal'), '451 4.3.0'],
  ['an unavailable service', refuse(503, 'ServiceUnavailableException', 'unavailable'), '451 4.3.0'],
  [
    'an error of no known name',
    refuse(400, 'NeverHeardOfException', 'what'),
    '451 4.3.0 Temporary service failure',
  ],
]

/** How an answer of AWS with status 200 may break off. */
export const brokenAnswers: readonly (readonly [
  name: string,
  outcome: Outcome & { readonly body: string },
])[] = [
  ['cut off in the middle', { type: 'truncate', body: '{"MessageId":"01' }],
  ['never ended', { type: 'stall', body: '{"MessageId":"01' }],
]

/** Complete answers with 2xx that are not from the service, and their log texts. */
export const notTheService: readonly (readonly [name: string, outcome: Outcome, log: string])[] = [
  ["a proxy's page", answer(200, 'text/html', html), `HTTP 200, text/html, that begins: ${html}`],
  ['a word', answer(200, 'text/plain', 'ok'), 'HTTP 200, text/plain, that begins: ok'],
  ['nothing', answer(200, 'text/xml', ''), 'HTTP 200, text/xml, an empty body'],
  ['no content', { type: 'cutShort', status: 204 }, 'HTTP 204, no content type, an empty body'],
  ['an empty object', answer(200, 'application/json', '{}'), 'HTTP 200, application/json, that begins: {}'],
  [
    'an empty object and 202',
    answer(202, 'application/json', '{}'),
    'HTTP 202, application/json, that begins: {}',
  ],
  ['null', answer(200, 'application/json', 'null'), 'HTTP 200, application/json, that begins: null'],
  [
    'half of an answer',
    answer(200, 'application/json', '{"MessageId":"01'),
    'HTTP 200, application/json, that begins: {"MessageId":"01',
  ],
  [
    'an empty name',
    answer(200, 'application/json', '{"MessageId":""}'),
    'HTTP 200, application/json, that begins: {"MessageId":""}',
  ],
  [
    'an answer of another service',
    answer(200, 'application/json', '{"Buckets":[]}'),
    'HTTP 200, application/json, that begins: {"Buckets":[]}',
  ],
  [
    'an error of AWS',
    answer(200, 'text/xml', '<ErrorResponse><Error><Code>MessageRejected</Code></Error></ErrorResponse>'),
    'HTTP 200, text/xml, that begins: <ErrorResponse><Error><Code>MessageRejected</Code></Error></ErrorResponse>',
  ],
  [
    'another answer in XML',
    answer(200, 'text/xml', '<GetSendQuotaResponse><GetSendQuotaResult/></GetSendQuotaResponse>'),
    'HTTP 200, text/xml, that begins: <GetSendQuotaResponse><GetSendQuotaResult/></GetSendQuotaResponse>',
  ],
  [
    'a page of many lines, letters and keys',
    answer(200, 'text/html\t;x', `<p>\r\n\x1b[2Jä\n${'k'.repeat(300)} ${'word '.repeat(100)}`),
    `HTTP 200, text/html ;x, that begins: ${`<p> [2J? ... ${'word '.repeat(100)}`.slice(0, 100).trim()}`,
  ],
]

function answer(status: number, contentType: string, body: string): Outcome {
  return { type: 'answer', status, contentType, body }
}

/** An error in the format of the service. */
export function refuse(status: number, code: string, message: string): Outcome {
  return { type: 'refuse', status, code, message }
}

function page(status: number): Outcome {
  return { type: 'answer', status, contentType: 'text/html', body: html }
}

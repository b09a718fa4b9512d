import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callUpstream } from '../../src/relay/aws/client.ts'
import { pinpoint } from '../../src/relay/aws/pinpoint.ts'
import { ses } from '../../src/relay/aws/ses.ts'
import { sesv2 } from '../../src/relay/aws/sesv2.ts'
import { classify } from '../../src/relay/errors/delivery-failure.ts'
import { hold, turn } from './backend.ts'

const identity = {
  region: async () => 'eu-west-1',
  credentials: async () => ({ accessKeyId: 'AKIDEXAMPLE' }),
}

function system(syscall: string, code: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { syscall, code })
}

const connectTimeout = Object.assign(
  new Error(
    '@smithy/node-http-handler - the request socket did not establish a connection with the server within …',
  ),
  { name: 'TimeoutError' },
)

const unreached: readonly [string, Error][] = [
  ['a refused connection', system('connect', 'ECONNREFUSED')],
  ['a name that is not found', system('getaddrinfo', 'ENOTFOUND')],
  ['a name server that is busy', system('getaddrinfo', 'EAI_AGAIN')],
  [
    'every address refused',
    new AggregateError([system('connect', 'ECONNREFUSED'), system('connect', 'ETIMEDOUT')]),
  ],
  ['no connection in time', connectTimeout],
]
for (const [name, error] of unreached) {
  test(`${name}: tried once more, at once`, async () => {
    let tries = 0
    const attempt = async () => {
      if (++tries === 1) throw error
      return 'sent'
    }
    assert.equal(await callUpstream(identity, {}, attempt), 'sent')
    assert.equal(tries, 2)
  })

  test(`${name}, twice: no third try`, async () => {
    let tries = 0
    const attempt = async () => {
      tries++
      throw error
    }
    await assert.rejects(callUpstream(identity, {}, attempt), error)
    assert.equal(tries, 2)
  })
}

const reached: readonly [string, unknown][] = [
  ['a connection reset while reading', system('read', 'ECONNRESET')],
  ['a connection reset while writing', system('write', 'EPIPE')],
  ['a hang-up', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', name: 'TimeoutError' })],
  [
    'an answer of AWS',
    Object.assign(new Error('x'), { name: 'Throttling', $metadata: { httpStatusCode: 400 } }),
  ],
  ['a mixture', new AggregateError([system('connect', 'ECONNREFUSED'), system('read', 'ECONNRESET')])],
  ['nothing inside', new AggregateError([])],
  ['what is no error inside', new AggregateError(['connect'])],
  ['what is no error', { syscall: 'connect' }],
]
for (const [name, error] of reached) {
  test(`${name}: no second try`, async () => {
    let tries = 0
    const attempt = async () => {
      tries++
      throw error
    }
    await assert.rejects(callUpstream(identity, {}, attempt), thrown => thrown === error)
    assert.equal(tries, 1)
  })
}

test('a call that ignores the signal times out', async () => {
  let signal: AbortSignal | undefined
  const attempt = (given: { readonly signal: AbortSignal }) => {
    signal = given.signal
    return new Promise<never>(() => undefined)
  }
  await assert.rejects(callUpstream(identity, { upstreamTimeoutMs: 20 }, attempt), { name: 'TimeoutError' })
  assert.equal(signal!.aborted, true)
})

test('a 2xx of AWS counts although its answer breaks off; no other answer does', async () => {
  const broken = (accepted?: boolean) =>
    callUpstream(identity, {}, async attempt => {
      if (accepted !== undefined) attempt.accepted = accepted
      throw new Error('aborted')
    })
  assert.equal(await broken(true), undefined)
  await assert.rejects(broken(false))
  await assert.rejects(broken())
})

test('errors of credential providers have one name, and no call is made', async () => {
  const judgements = [
    Object.assign(new Error('Request ARN is invalid'), {
      name: 'ValidationError',
      $metadata: { httpStatusCode: 400 },
    }),
    Object.assign(new Error('no provider in account 123456789012'), {
      name: 'MessageRejected',
      $metadata: { httpStatusCode: 400 },
    }),
    Object.assign(new Error('UnknownError'), { name: 'Unknown', $metadata: { httpStatusCode: 413 } }),
    system('connect', 'ECONNREFUSED'),
  ]
  for (const error of judgements) {
    const failing = { ...identity, credentials: () => Promise.reject(error) }
    let calls = 0
    const attempt = async () => {
      calls++
    }
    await assert.rejects(callUpstream(failing, {}, attempt), (thrown: unknown) => {
      const { code, status, text } = classify(thrown).reply
      assert.equal(`${code} ${status}`, '451 4.3.5')
      assert.doesNotMatch(String(text), /ARN|\d{12}/)
      return (thrown as Error).name === 'CredentialsProviderError'
    })
    assert.equal(calls, 0)
  }
})

test('after a timeout no call is made, even if the credentials arrive', async () => {
  const slow = hold<{ accessKeyId: string }>()
  let calls = 0
  const attempt = async () => {
    calls++
  }
  const late = callUpstream(
    { ...identity, credentials: () => slow.promise },
    { upstreamTimeoutMs: 20 },
    attempt,
  )
  await assert.rejects(late, { name: 'TimeoutError' })
  slow.release({ accessKeyId: 'AKIDEXAMPLE' })
  await turn()
  assert.equal(calls, 0)
})

test('a backend leaves the environment of its process as it is', async () => {
  const before = { ...process.env }
  await Promise.all([ses(), sesv2(), pinpoint({ applicationId: 'app' })])
  assert.deepEqual({ ...process.env }, before)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { installPreparedCalls, PreparedCall } from '../../src/relay/aws/prepared-call.ts'

const payload = { parts: [Buffer.from('x')], bytes: 1, sha256: '' }

test('an SDK that signs otherwise than was expected is an error, and nothing goes out', async () => {
  const operation = new PreparedCall(
    async () => {},
    () => true,
  )
  const attempt = { signal: new AbortController().signal }
  await assert.rejects(operation.call(payload, attempt), { message: /the AWS SDK signs otherwise/ })
})

test('one signer is kept for all calls, but none that could not be made', async () => {
  let made = 0
  const config = {
    requestHandler: { handle: () => Promise.reject(new Error('nothing is sent here')) },
    signer: async () => {
      if (++made === 1) throw new Error('no region')
      return made
    },
  }
  installPreparedCalls(config)
  await assert.rejects(config.signer(), { message: 'no region' })
  assert.deepEqual([await config.signer(), await config.signer()], [2, 2])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { installPreparedCalls, PreparedCall } from '../../src/relay/aws/prepared-call.ts'

const payload = { parts: [Buffer.from('x')], bytes: 1, sha256: '' }

test('an SDK without the expected signing middleware is an error, and no request is sent', async () => {
  const operation = new PreparedCall(
    async () => {},
    () => true,
  )
  const attempt = { signal: new AbortController().signal }
  await assert.rejects(operation.call(payload, attempt), {
    message: /this version of the AWS SDK has no middleware/,
  })
})

test('one signer is cached for all calls, but not one that could not be created', async () => {
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

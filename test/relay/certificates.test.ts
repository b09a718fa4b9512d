import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Certificate } from '../support/fake-aws.ts'
import { FakeSes } from '../support/fake-ses.ts'
import { expired, good, ofAnother } from './certificates.ts'

const sendOne = fileURLToPath(new URL('send-one.ts', import.meta.url))
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'certificates-'))
})
after(() => rm(folder, { recursive: true }))

test('a service whose certificate authority the operator trusts gets the message', async t => {
  assert.deepEqual(await sendTo(t, good, good), { reply: '250', log: 'fake-1' })
})

const untrusted = /^451 4\.7\.5 Upstream certificate verification failed/
const bad: readonly (readonly [string, Certificate, Certificate | undefined, RegExp])[] = [
  ['of an unknown authority', good, undefined, /self-signed certificate/],
  ['that has expired', expired, expired, /certificate has expired/],
  ['of another host', ofAnother, ofAnother, /does not match certificate's altnames/],
]
for (const [name, shown, trusted, log] of bad) {
  test(`a certificate ${name} is 451 4.7.5, and the service does not get the message`, async t => {
    const heard = await sendTo(t, shown, trusted)
    assert.match(heard.reply, untrusted)
    assert.match(heard.log, log)
  })
}

test('a service without TLS on a TLS port is 451 4.4.1', async t => {
  const aws = await FakeSes.start()
  t.after(() => aws.close())
  const { reply } = await send({
    ...aws.environment,
    AWS_ENDPOINT_URL: aws.endpoint.replace('http:', 'https:'),
  })
  assert.match(reply, /^451 4\.4\.1/)
  assert.equal(aws.requests, 0)
})

async function sendTo(
  scope: { after(done: () => Promise<void>): void },
  shown: Certificate,
  trusted: Certificate | undefined,
) {
  const aws = await FakeSes.start(shown)
  scope.after(() => aws.close())
  const authorities = join(folder, 'authorities.pem')
  await writeFile(authorities, trusted?.cert ?? '')
  const heard = await send({ ...aws.environment, NODE_EXTRA_CA_CERTS: authorities })
  assert.equal(aws.requests, heard.reply === '250' ? 1 : 0)
  return heard
}

/** Sends one message in a process of its own, because Node.js reads the trusted authorities when it starts. */
async function send(environment: Record<string, string>): Promise<{ reply: string; log: string }> {
  const env = { PATH: process.env.PATH, HOME: folder, ...environment }
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', sendOne], { env })
  return JSON.parse(stdout)
}

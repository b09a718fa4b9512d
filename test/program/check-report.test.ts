import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse, type Settings } from '../../src/config/index.ts'
import { type CheckResults, checkReport, checkWarnings } from '../../src/program/check-report.ts'

const now = new Date('2026-11-22T12:00:00Z')
const found: CheckResults = { certificate: undefined, messageBytes: 10 * 1024 ** 2, backend: [] }

function settings(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Settings {
  const parsed = parse(argv, env)
  if (parsed.type !== 'settings') assert.fail(JSON.stringify(parsed))
  return parsed.settings
}

/** Results with a certificate that expires in this many days. */
function expiringIn(days: number): CheckResults {
  const validTo = new Date(now.getTime() + days * 86_400_000 + 1000).toUTCString()
  return {
    ...found,
    certificate: { subject: 'CN=relay.test\nO=A\x1b[2J', subjectAltName: undefined, validTo },
  }
}

test('the report has one fact per line, for the default options', () => {
  assert.deepEqual(checkReport(settings([]), { ...found, backend: ['Region: eu-west-1'] }, now), [
    'Configuration OK',
    'Listen addresses: :1025',
    'TLS: none',
    'Allowed clients: without login, from any address',
    'Backend: Amazon SES',
    'Region: eu-west-1',
    'Message limits: 10 MiB, 100 recipients',
    'Connection limits: 10000 in total, no limit per client address',
    'Message memory: 256 MiB',
  ])
})

test('other settings are shown, and secrets are not', () => {
  const argv =
    '-a :25,tls://[::1]:465 -c c -k k -s -u tim --users-file list -i 10.0.0.0/8 -l @a$ -d ^b@ --allow-to c ' +
    '--proxy-protocol 10.0.0.5 --send-rate 14 --max-connections-per-ip 5 --workers 2 -r sesv2'
  const env = { PASSWORD: 'hidden', TLS_KEY_PASS: 'hidden' }
  const report = checkReport(settings(argv.split(' '), env), expiringIn(60), now)
  for (const line of [
    'Listen addresses: :25, tls://[::1]:465',
    'TLS: STARTTLS, required',
    'Certificate: CN=relay.test, O=A\\x1b[2J, until 2027-01-21, 60 days left',
    'Allowed clients: user tim and the users of list, from 10.0.0.0/8',
    'Allowed senders: @a$',
    'Denied recipients: ^b@',
    'Allowed recipients: c',
    'Load balancers: 10.0.0.5',
    'Backend: Amazon SES, API version 2',
    'Send rate: 14 recipients per second',
    'Connection limits: 10000 in total, 5 per client address',
    'Message memory: 512 MiB',
    'Workers: 2, which share these limits',
  ]) {
    assert.ok(report.includes(line), `${line}\n${report.join('\n')}`)
  }
  assert.doesNotMatch(report.join('\n'), /hidden/)
})

test('the check warns when a certificate expires in less than 14 days', () => {
  for (const [days, text, warnings] of [
    [14, '14 days left', []],
    [13, '13 days left', ['The TLS certificate expires in 13 days']],
    [1, '1 day left', ['The TLS certificate expires in 1 day']],
    [0, '0 days left', ['The TLS certificate expires in 0 days']],
    [-1, 'expired', ['The TLS certificate has expired']],
  ] as const) {
    const line = checkReport(settings([]), expiringIn(days), now).find(line =>
      line.startsWith('Certificate: '),
    )
    assert.ok(line!.endsWith(text), line)
    assert.deepEqual(checkWarnings(expiringIn(days), now), warnings)
  }
  assert.deepEqual(checkWarnings(found, now), [])
})

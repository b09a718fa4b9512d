import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse, type Settings } from '../src/config/index.ts'
import { type CheckResults, checkReport, checkWarnings } from '../src/program/check-report.ts'

const now = new Date('2026-11-22T12:00:00Z')
const found: CheckResults = { certificate: undefined, messageBytes: 10 * 1024 ** 2, backend: [] }

function settings(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Settings {
  const parsed = parse(argv, env)
  if (parsed.type !== 'settings') assert.fail(JSON.stringify(parsed))
  return parsed.settings
}

/** A certificate that ends so many days from now. */
function ending(days: number): CheckResults {
  const validTo = new Date(now.getTime() + days * 86_400_000 + 1000).toUTCString()
  return {
    ...found,
    certificate: { subject: 'CN=relay.test\nO=A\x1b[2J', subjectAltName: undefined, validTo },
  }
}

test('a fact a line, for the defaults', () => {
  assert.deepEqual(checkReport(settings([]), { ...found, backend: ['Region: eu-west-1'] }, now), [
    'The settings are right',
    'Listens on: :1025',
    'TLS: none',
    'Who may send: everybody, from anywhere',
    'Mail goes to: Amazon SES',
    'Region: eu-west-1',
    'Largest mail: 10 MiB, for 100 recipients at most',
    'Connections: 10000 at once, any number of them from one address',
    'Memory: 256 MiB for the mails that come in at once',
  ])
})

test('what is settled otherwise is told, and secrets are not', () => {
  const argv =
    '-a :25,tls://[::1]:465 -c c -k k -s -u tim --users-file list -i 10.0.0.0/8 -l @a$ -d ^b@ --allow-to c ' +
    '--proxy-protocol 10.0.0.5 --send-rate 14 --max-connections-per-ip 5 --workers 2 -r sesv2'
  const env = { PASSWORD: 'hidden', TLS_KEY_PASS: 'hidden' }
  const report = checkReport(settings(argv.split(' '), env), ending(60), now)
  for (const line of [
    'Listens on: :25, tls://[::1]:465',
    'TLS: STARTTLS, required',
    'Certificate: CN=relay.test, O=A\\x1b[2J, until 2027-01-21, 60 days left',
    'Who may send: tim and the users of list, from 10.0.0.0/8',
    'Senders that are allowed: @a$',
    'Recipients that are denied: ^b@',
    'Recipients that are allowed: c',
    'Load balancers: 10.0.0.5',
    'Mail goes to: Amazon SES, API version 2',
    'Send rate: 14 recipients a second',
    'Connections: 10000 at once, 5 of them from one address',
    'Memory: 512 MiB for the mails that come in at once',
    'Workers: 2, which share all this',
  ]) {
    assert.ok(report.includes(line), `${line}\n${report.join('\n')}`)
  }
  assert.doesNotMatch(report.join('\n'), /hidden/)
})

test('two weeks before a certificate ends the check begins to warn', () => {
  for (const [days, text, warnings] of [
    [14, '14 days left', []],
    [13, '13 days left', ['The TLS certificate expires in 13 days']],
    [1, '1 day left', ['The TLS certificate expires in 1 day']],
    [0, '0 days left', ['The TLS certificate expires in 0 days']],
    [-1, 'expired', ['The TLS certificate has expired']],
  ] as const) {
    const line = checkReport(settings([]), ending(days), now).find(line => line.startsWith('Certificate: '))
    assert.ok(line!.endsWith(text), line)
    assert.deepEqual(checkWarnings(ending(days), now), warnings)
  }
  assert.deepEqual(checkWarnings(found, now), [])
})

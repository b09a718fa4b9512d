import assert from 'node:assert/strict'
import { test } from 'node:test'
import { error, settings, tls, usage, warnings } from './read.ts'

test('a variable sets an option, and the command line takes precedence', () => {
  const env = { SMTP_RELAY_LISTEN: ':25', SMTP_RELAY_MAX_SIZE: '2KiB', SMTP_RELAY_REQUIRE_STARTTLS: 'false' }
  assert.equal(settings([], env).listen[0]?.port, 25)
  assert.equal(settings([], env).maxMessageBytes, 2048)
  assert.equal(settings(['--max-size', '5'], env).maxMessageBytes, 5)
  assert.equal(settings(['-a', ''], env).listen[0]?.port, 1025)
  assert.equal(settings(['-s', ...tls], env).requireTls, true)
  assert.equal(settings(tls, { SMTP_RELAY_REQUIRE_STARTTLS: '1' }).requireTls, true)
})

test('an empty variable counts as unset, for booleans, too', () => {
  const env = {
    SMTP_RELAY_LISTEN: '',
    SMTP_RELAY_TLS_ONLY: '',
    TLS_KEY_PASS: '',
    BCRYPT_HASH: '',
    PASSWORD: '',
  }
  assert.deepEqual(settings([], env), settings([]))
  assert.equal(settings(tls, env).tls?.passphrase, undefined)
})

test('the variables that Kubernetes sets for a service called smtp-relay have no effect', () => {
  const env = {
    SMTP_RELAY_SERVICE_HOST: '10.0.0.1',
    SMTP_RELAY_SERVICE_PORT: '25',
    SMTP_RELAY_PORT: 'tcp://10.0.0.1:25',
    SMTP_RELAY_PORT_25_TCP: 'tcp://10.0.0.1:25',
    SMTP_RELAY_PORT_25_TCP_PROTO: 'tcp',
    SMTP_RELAY_SERVICE_PORT_SMTP: '25',
    SMTP_RELAY_INTERNAL_SERVICE_HOST: '10.0.0.2',
    SMTP_RELAY_INTERNAL_PORT_8443_TCP_ADDR: '10.0.0.2',
  }
  assert.deepEqual(settings([], env), settings([]))
})

test('a misspelt variable causes a warning, because it may have been meant to restrict access', () => {
  const env = {
    SMTP_RELAY_ALLOW_IP: '10.0.0.0/8',
    SMTP_RELAY_VERSION: '1',
    SMTP_RELAY_: 'x',
    SMTP_RELAYS: 'x',
  }
  const warning = (name: string) => `${name} is set but is not a known option`
  assert.deepEqual(
    warnings([], env),
    ['SMTP_RELAY_ALLOW_IP', 'SMTP_RELAY_VERSION', 'SMTP_RELAY_'].map(warning),
  )
  assert.deepEqual(settings([], env), { ...settings([]), warnings: warnings([], env) })
  assert.deepEqual(warnings([], { SMTP_RELAY_ALLOW_IP: '', SMTP_RELAY_MAX_SIZE: '1MiB' }), [])
  assert.deepEqual(warnings([], { 'SMTP_RELAY_\x1b[2J': 'x' }), [warning('SMTP_RELAY_?[2J')])
})

test('the message about an invalid variable names it', () => {
  assert.match(usage([], { SMTP_RELAY_MAX_SIZE: 'big' }), /^invalid value "big" for SMTP_RELAY_MAX_SIZE: /)
  assert.equal(
    usage([], { SMTP_RELAY_TLS_ONLY: 'x' }),
    'invalid value "x" for SMTP_RELAY_TLS_ONLY: must be true or false',
  )
  assert.equal(error([], { SMTP_RELAY_RELAY: 'smtp' }), 'Invalid relay API: smtp (SMTP_RELAY_RELAY)')
  assert.equal(settings(['--max-size', '5'], { SMTP_RELAY_MAX_SIZE: 'big' }).maxMessageBytes, 5)
})

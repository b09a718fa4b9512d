import assert from 'node:assert/strict'
import os from 'node:os'
import { test } from 'node:test'
import { arn, bcryptHash, error, settings, tls, usage, warnings } from './read.ts'

test('a certificate needs a key, and a key needs a certificate', () => {
  assert.equal(error(['-c', 'a']), '-c/--tls-cert needs -k/--tls-key')
  assert.equal(error(['-k', 'a']), '-k/--tls-key needs -c/--tls-cert')
  assert.deepEqual(settings(tls, { TLS_KEY_PASS: 'test' }).tls, {
    certPath: 'default.crt',
    keyPath: 'default.key',
    passphrase: 'test',
  })
})

test('an option that requires TLS needs a certificate and a key', () => {
  const needs = 'needs -c/--tls-cert and -k/--tls-key'
  assert.equal(error(['-s']), `-s/--require-starttls ${needs}`)
  assert.equal(error(['-t']), `-t/--tls-only ${needs}`)
  assert.equal(error(['-a', ':25,tls://:465']), `tls:// in -a/--listen ${needs}`)
  assert.equal(settings(['-s', '-t', ...tls]).requireTls, true)
})

test('a user needs a secret', () => {
  assert.equal(error(['-u', 'user']), '-u/--user needs a secret: set BCRYPT_HASH or PASSWORD')
  assert.equal(error(['-u', 'user'], { PASSWORD: '' }), error(['-u', 'user']))
  assert.deepEqual(settings(['-u', 'user'], { PASSWORD: 'password' }).access, {
    user: { name: 'user', bcryptHash: undefined, password: 'password' },
  })
})

test('secrets without a user have no effect, and cause a warning', () => {
  const env = { PASSWORD: 'password', BCRYPT_HASH: 'x' }
  assert.deepEqual(settings([], env).access, {})
  assert.deepEqual(warnings([], env), ['BCRYPT_HASH and PASSWORD have no effect without -u/--user'])
  assert.deepEqual(warnings([], { PASSWORD: 'password' }), ['PASSWORD has no effect without -u/--user'])
  assert.deepEqual(warnings(['--users-file', 'users', ...tls], { BCRYPT_HASH: 'x' }), [
    'BCRYPT_HASH has no effect without -u/--user',
  ])
  assert.deepEqual(warnings(['-u', 'user'], { PASSWORD: 'password' }), [])
})

test('a users file needs TLS or --allow-plaintext-auth', () => {
  const message =
    '--users-file supports AUTH LOGIN and PLAIN only, which need TLS: ' +
    'set -c/--tls-cert and -k/--tls-key, or --allow-plaintext-auth'
  assert.equal(error(['--users-file', 'users']), message)
  assert.equal(error(['--users-file', 'users', '-u', 'user'], { PASSWORD: 'password' }), message)
  assert.equal(settings(['--users-file', 'users', ...tls]).usersFile, 'users')
  assert.equal(settings(['--users-file', 'users', '--allow-plaintext-auth']).usersFile, 'users')
})

test('--allow-plaintext-auth causes a warning if TLS is required', () => {
  const argv = ['-u', 'user', '--allow-plaintext-auth', ...tls]
  const warned = ['--allow-plaintext-auth has no effect, because TLS is required']
  assert.deepEqual(warnings([...argv, '-s'], { PASSWORD: 'x' }), warned)
  assert.deepEqual(warnings([...argv, '-t'], { PASSWORD: 'x' }), warned)
  assert.deepEqual(warnings([...argv, '-a', 'tls://:465'], { PASSWORD: 'x' }), warned)
  assert.deepEqual(warnings([...argv, '-a', 'tls://:465,:25'], { PASSWORD: 'x' }), [])
})

test('a limit below the minimum of RFC 5321 causes a warning', () => {
  assert.deepEqual(warnings(['--max-recipients', '100', '--max-size', '64KiB']), [])
  assert.deepEqual(warnings(['--max-recipients', '99', '--max-size', '65535']), [
    '--max-recipients is below 100, which RFC 5321 requires of every server',
    '--max-size is below 64KiB, which RFC 5321 requires of every server',
  ])
})

const pinpoint = ['-r', 'pinpoint', '--pinpoint-application-id', '0123456789abcdef0123456789abcdef']
const pinpointEnded = 'AWS ended Amazon Pinpoint on 30 October 2026: use -r ses or -r sesv2 instead'

test('every backend starts without a warning', () => {
  for (const relay of ['ses', 'sesv2', 'maildir', 'discard']) {
    assert.deepEqual([settings(['-r', relay]).relay, warnings(['-r', relay])], [relay, []])
  }
})

test('pinpoint needs a project ID, and causes a warning', () => {
  assert.equal(error(['-r', 'pinpoint']), '-r pinpoint needs --pinpoint-application-id')
  assert.deepEqual(warnings(pinpoint), [pinpointEnded])
  for (const id of ['a/b', 'a b', '../x', 'x'.repeat(65)]) {
    assert.match(usage(['--pinpoint-application-id', id]), /for flag -pinpoint-application-id: must be like/)
  }
})

test('an option that changes messages is an error if pinpoint does not support it; -e, which the Go program accepted, causes a warning', () => {
  assert.equal(
    error([...pinpoint, '-o', arn('a'), '--tags', 'a=b']),
    '-r pinpoint does not support -o/--source-arn, --tags: use -r ses',
  )
  assert.equal(error([...pinpoint, '--send-rate', 'auto']), '--send-rate auto needs -r ses or -r sesv2')
  assert.deepEqual(warnings([...pinpoint, '--send-rate', '5', '-e', 'set']), [
    '-r pinpoint ignores -e/--configuration-set',
    pinpointEnded,
  ])
})

test('an option that the backend ignores causes a warning', () => {
  const argv = ['-e', 'set', '-o', arn('a'), '--tags', 'a=b', '--send-rate', '5']
  for (const relay of ['maildir', 'discard']) {
    assert.deepEqual(warnings(['-r', relay, ...argv]), [
      `-r ${relay} ignores -e/--configuration-set, -o/--source-arn, --tags, --send-rate`,
    ])
    assert.equal(error(['-r', relay, '--send-rate', 'auto']), '--send-rate auto needs -r ses or -r sesv2')
  }
  for (const relay of ['ses', 'sesv2']) {
    assert.deepEqual(warnings(['-r', relay, ...argv]), [])
    assert.deepEqual(warnings(['-r', relay, '--pinpoint-application-id', 'a']), [
      `-r ${relay} ignores --pinpoint-application-id`,
    ])
  }
})

test('sesv2 has one ARN for the source and the From header', () => {
  const message =
    '-r sesv2 has one ARN for the source and the From header: ' +
    '-o/--source-arn and -f/--from-arn must be equal'
  assert.equal(error(['-r', 'sesv2', '-o', arn('a'), '-f', arn('b')]), message)
  for (const argv of [
    ['-o', arn('a'), '-p', arn('b')],
    ['-f', arn('a')],
    ['-o', arn('a'), '-f', arn('a')],
  ]) {
    const { sourceArn, fromArn } = settings(['-r', 'sesv2', ...argv])
    assert.equal(fromArn ?? sourceArn, arn('a'))
  }
})

test('workers are a number or one per CPU, and each needs a share of the limits', () => {
  const count = (...argv: readonly string[]) => settings(['--workers', ...argv]).workers
  assert.deepEqual([count(''), count('1'), count('8'), count('64')], [1, 1, 8, 64])
  assert.equal(count('auto'), Math.min(64, os.availableParallelism()))
  assert.equal(count('auto', '--max-connections', '1'), 1)
  assert.equal(count('auto', '--upstream-connections', '1'), 1)
  for (const text of ['0', '65', '-1', '1.5', 'AUTO', 'all']) {
    assert.match(
      usage(['--workers', text]),
      /for flag -workers: must be a whole number from 1 to 64, or auto$/,
    )
  }
  assert.equal(count('8', '--max-connections', '8', '--upstream-connections', '8'), 8)
  assert.equal(
    error(['--workers', '8', '--upstream-connections', '7']),
    '--workers 8 needs --upstream-connections of at least 8, one per worker',
  )
  assert.equal(
    error(['--workers', '8', '--max-connections', '7']),
    '--workers 8 needs --max-connections of at least 8, one per worker',
  )
})

test('a hash without a password needs TLS or --allow-plaintext-auth', () => {
  const env = { BCRYPT_HASH: bcryptHash }
  assert.match(
    error(['-u', 'user'], env),
    /^BCRYPT_HASH supports AUTH LOGIN and PLAIN only, which need TLS: /,
  )
  const access = { user: { name: 'user', bcryptHash, password: undefined } }
  assert.deepEqual(settings(['-u', 'user', ...tls], env).access, access)
  assert.deepEqual(settings(['-u', 'user', '--allow-plaintext-auth'], env).access, access)
  assert.equal(settings(['-u', 'user'], { ...env, PASSWORD: 'x' }).access.user?.password, 'x')
})

test('a malformed hash is an error that does not show it', () => {
  for (const hash of ['hunter2', `:${bcryptHash}`, bcryptHash.slice(1)]) {
    const message = error(['-u', 'user', ...tls], { BCRYPT_HASH: hash })
    assert.match(message, /^BCRYPT_HASH is not a bcrypt hash: /)
    assert.equal(message.includes(hash), false)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalizeAddress, rateLimitKey } from '../../src/transport/peer-address.ts'

test('an IPv4-mapped address is normalized to IPv4, and a zone is removed', () => {
  for (const [address, plain] of [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::192.0.2.7', '::192.0.2.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['fe80::1%eth0', 'fe80::1'],
    ['', ''],
  ] as const) {
    assert.equal(normalizeAddress(address), plain)
  }
})

test('the key of an IPv4 address is the address', () => {
  assert.equal(rateLimitKey('192.0.2.7'), '192.0.2.7')
  assert.equal(rateLimitKey(''), '')
})

test('the key of an IPv6 address is its /64, in any form of the address', () => {
  const networks: Record<string, readonly string[]> = {
    '2001:db8:0:0::/64': [
      '2001:db8::7',
      '2001:DB8::',
      '2001:0db8:0000:0000:ffff:ffff:ffff:ffff',
      '2001:db8:0:0:1::',
      '2001:db8::1:2:3:4',
      '2001:db8::1:2:192.0.2.7',
      '2001:db8:0:0:1:2:192.0.2.7',
    ],
    '2001:db8:0:1::/64': ['2001:db8:0:1::', '2001:db8:0:1:2:3:4:5', '2001:db8::1:2:3:4:5'],
    '1:2:3:4::/64': ['1:2:3:4:5:6:7:8', '1:2:3:4::', '1:2:3:4::8', '1:2:3:4:5:6:7::'],
    '0:0:0:0::/64': ['::', '::1', '::192.0.2.7', '0:0:0:0:0:0:0:1'],
    '0:2:3:4::/64': ['::2:3:4:5:6:7:8', '0:2:3:4::'],
    'fe80:0:0:0::/64': ['fe80::1'],
  }
  for (const [network, addresses] of Object.entries(networks)) {
    for (const address of addresses) assert.equal(rateLimitKey(address), network, address)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalizeAddress, rateLimitKey } from '../../src/transport/peer-address.ts'

test('an address is plain: IPv4 where it is one in disguise, and without a zone', () => {
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

test('an address of IPv4 is a network of its own', () => {
  assert.equal(rateLimitKey('192.0.2.7'), '192.0.2.7')
  assert.equal(rateLimitKey(''), '')
})

test('the network of IPv6 is its /64, in whatever form the address is written', () => {
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

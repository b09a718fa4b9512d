import assert from 'node:assert/strict'
import { BlockList } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { AddressList } from '../../src/auth/index.ts'

const has = (list: string, address: string) => new AddressList(list).has(address)

test('a list contains its addresses, and no others', () => {
  const list = new AddressList('127.0.0.1,2001:4860:0:2001::68')
  for (const address of ['127.0.0.1', '2001:4860:0:2001::68']) assert.equal(list.has(address), true)
  for (const address of ['127.0.0.2', '::1', '2001:4860:0:2001::69']) assert.equal(list.has(address), false)
})

test('every notation of an address is understood, in the list and in `has`', () => {
  for (const form of ['::1', '::0001', '0:0:0:0:0:0:0:1', '0::0:1', '::0.0.0.1']) {
    assert.equal(has(form, '::1'), true, form)
    assert.equal(has('::1', form), true, form)
  }
  assert.equal(has('2001:DB8::A', '2001:db8:0:0:0::a'), true)
})

test('an IPv4 address that is mapped into IPv6 is that IPv4 address', () => {
  for (const form of ['127.0.0.1', '::ffff:127.0.0.1', '::FFFF:7f00:1', '0:0:0:0:0:ffff:127.0.0.1']) {
    assert.equal(has(form, '127.0.0.1'), true, form)
    assert.equal(has('127.0.0.1', form), true, form)
  }
})

test('a block of mapped IPv4 addresses is a block of IPv4', () => {
  assert.equal(has('::ffff:10.0.0.0/104', '10.1.2.3'), true)
  assert.equal(has('::ffff:10.0.0.0/104', '11.0.0.0'), false)
  assert.equal(has('::ffff:0:0/96', '203.0.113.9'), true)
  assert.equal(has('10.0.0.0/8', '::ffff:10.1.2.3'), true)
})

test('all of IPv6 contains no IPv4 address, and all of IPv4 no IPv6 address', () => {
  assert.deepEqual(
    ['::1', '1.2.3.4', '::ffff:1.2.3.4'].map(address => has('::/0', address)),
    [true, false, false],
  )
  assert.deepEqual(
    ['::1', '1.2.3.4', '::ffff:1.2.3.4'].map(address => has('0.0.0.0/0', address)),
    [false, true, true],
  )
})

test('entries are separated by commas, spaces or both, and empty entries are ignored', () => {
  for (const text of ['10.0.0.1,::1', ' 10.0.0.1 , ::1 ', '10.0.0.1 ::1', '10.0.0.1,,\n::1,']) {
    const list = new AddressList(text)
    assert.deepEqual([list.has('10.0.0.1'), list.has('::1')], [true, true])
    assert.equal(list.toString(), '10.0.0.1, ::1')
  }
})

test('a list without entries is an error', () => {
  for (const text of ['', ',', ' , '])
    assert.throws(() => new AddressList(text), /^Error: contains no address$/)
})

test('text that is not an address is in no list', () => {
  for (const text of ['', 'localhost', '127.0.0.1:25', '[::1]', '::1%lo', '127.1', '1.2.3.4/32', 'unix:/x']) {
    assert.equal(has('0.0.0.0/0, ::/0', text), false, text)
  }
})

for (const [entry, why] of [
  ['localhost', 'is neither an IP address nor a block such as 10.0.0.0/8'],
  ['127.1', 'is neither an IP address nor a block such as 10.0.0.0/8'],
  ['010.0.0.1', 'is neither an IP address nor a block such as 10.0.0.0/8'],
  ['10.0.0.0-10.0.0.9', 'is neither an IP address nor a block such as 10.0.0.0/8'],
  ['[::1]', 'is neither an IP address nor a block such as 10.0.0.0/8'],
  ['/8', 'is neither an IP address nor a block such as 10.0.0.0/8'],
  ['fe80::1%eth0', 'has a zone: write the address without it'],
  ['fe80::1%eth0/64', 'has a zone: write the address without it'],
  ['10.0.0.0/33', 'needs a prefix length from 0 to 32 after the slash'],
  ['10.0.0.0/', 'needs a prefix length from 0 to 32 after the slash'],
  ['10.0.0.0/-1', 'needs a prefix length from 0 to 32 after the slash'],
  ['10.0.0.0/255.0.0.0', 'needs a prefix length from 0 to 32 after the slash'],
  ['10.0.0.0/8/8', 'needs a prefix length from 0 to 32 after the slash'],
  ['2001:db8::/129', 'needs a prefix length from 0 to 128 after the slash'],
  [
    '10.0.0.5/8',
    'has bits set after its prefix: write 10.0.0.0/8 for the block, or leave out the prefix length',
  ],
  [
    '10.0.0.1/0',
    'has bits set after its prefix: write 0.0.0.0/0 for the block, or leave out the prefix length',
  ],
  [
    '2001:db8::1/32',
    'has bits set after its prefix: write 2001:db8::/32 for the block, or leave out the prefix length',
  ],
  [
    '2001:db8::1/0',
    'has bits set after its prefix: write ::/0 for the block, or leave out the prefix length',
  ],
  [
    '::ffff:10.0.0.5/104',
    'has bits set after its prefix: write 10.0.0.0/8 for the block, or leave out the prefix length',
  ],
  ['::ffff:0:0/90', 'is partly IPv4 and partly IPv6: write two blocks'],
] as const) {
  test(`the list says what is wrong with ${entry}`, () => {
    assert.throws(() => new AddressList(`127.0.0.1,${entry}`), { message: `"${entry}" ${why}` })
  })
}

interface Family {
  readonly name: 'ipv4' | 'ipv6'
  readonly bits: number
  readonly format: (number: bigint) => string
}

const ipv4: Family = {
  name: 'ipv4',
  bits: 32,
  format: number => [24n, 16n, 8n, 0n].map(shift => (number >> shift) & 0xffn).join('.'),
}

const ipv6: Family = {
  name: 'ipv6',
  bits: 128,
  format: number =>
    Array.from({ length: 8 }, (_, i) => ((number >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(':'),
}

for (const { name, bits, format } of [ipv4, ipv6]) {
  test(`a block of ${name} holds the addresses that begin with its bits, as a BlockList of Node.js has it`, () => {
    const number = fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n })
    const flipped = fc.option(fc.nat({ max: bits - 1 }))
    fc.assert(
      fc.property(number, number, fc.nat({ max: bits }), flipped, (inside, any, length, flip) => {
        // Any other address is hardly ever in the block; one that differs in a single bit is as likely in as out.
        const asked = flip === null ? any : inside ^ (1n << BigInt(flip))
        const spare = BigInt(bits - length)
        const block = format((inside >> spare) << spare)
        const found = has(`${block}/${length}`, format(asked))
        assert.equal(found, inside >> spare === asked >> spare)

        if (bits === 128 && asked >> 32n === 0xffffn) return
        const blockList = new BlockList()
        blockList.addSubnet(block, length, name)
        assert.equal(found, blockList.check(format(asked), name))
      }),
      { numRuns: 2000 },
    )
  })
}

test('an address has the same meaning in every notation', () => {
  fc.assert(
    fc.property(fc.ipV6(), address => {
      const list = new AddressList(address)
      assert.equal(list.has(address), true)
      const { hostname } = new URL(`http://[${address}]`)
      assert.equal(list.has(hostname.slice(1, -1)), true)
    }),
    { numRuns: 1000 },
  )
})

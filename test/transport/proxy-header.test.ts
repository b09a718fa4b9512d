import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { maxHeaderBytes, type ProxyHeader, readProxyHeader } from '../../src/transport/proxy-header.ts'
import { bytesFrom, cut, cutPositions } from '../support/chunked-bytes.ts'
import {
  addresses4,
  addresses6,
  addressesMapped,
  binaryHeader,
  extension,
  healthCheck,
  lineHeader,
} from '../support/proxy-headers.ts'

const complete = (header: Buffer, source: string | undefined, local = false): ProxyHeader => ({
  type: 'complete',
  bytes: header.length,
  source,
  local,
})

const longest6 = Array.from({ length: 8 }, () => 'ffff').join(':')

/** Headers, and the client's address in them. */
const valid: readonly (readonly [string, Buffer, string | undefined])[] = [
  ['TCP4', lineHeader('TCP4 192.0.2.7 192.0.2.25 40000 25'), '192.0.2.7'],
  ['the longest TCP4', lineHeader('TCP4 255.255.255.255 255.255.255.255 65535 65535'), '255.255.255.255'],
  ['ports of 0', lineHeader('TCP4 192.0.2.7 192.0.2.25 0 0'), '192.0.2.7'],
  ['TCP6', lineHeader('TCP6 2001:db8::7 2001:db8::25 40000 25'), '2001:db8::7'],
  ['TCP6 in another form', lineHeader('TCP6 2001:0DB8:0:0::0007 :: 1 1'), '2001:db8::7'],
  ['the longest TCP6', lineHeader(`TCP6 ${longest6} ${longest6} 65535 65535`), longest6],
  ['IPv4 mapped into TCP6', lineHeader('TCP6 ::ffff:192.0.2.7 ::1 1 1'), '192.0.2.7'],
  ['IPv4 mapped into TCP6 in hex', lineHeader('TCP6 ::FFFF:c000:207 ::1 1 1'), '192.0.2.7'],
  ['UNKNOWN', lineHeader('UNKNOWN'), undefined],
  ['UNKNOWN with addresses', lineHeader('UNKNOWN 192.0.2.7 192.0.2.25 40000 25'), undefined],
  ['UNKNOWN with anything', lineHeader('UNKNOWN \0\xff  TCP4 '), undefined],
  ['the longest UNKNOWN', lineHeader(`UNKNOWN ${longest6} ${longest6} 65535 65535`), undefined],
  ['version 2 over IPv4', binaryHeader('2111', addresses4), '192.0.2.7'],
  ['version 2 over IPv6', binaryHeader('2121', addresses6), '2001:db8::7'],
  ['version 2 with IPv4 mapped', binaryHeader('2121', addressesMapped), '192.0.2.7'],
  ['version 2 with an extension', binaryHeader('2111', addresses4 + extension), '192.0.2.7'],
  ['the longest of version 2', binaryHeader('2111', addresses4 + '04'.repeat(2036)), '192.0.2.7'],
  ['version 2 of a Unix socket', binaryHeader('2131', '2f'.repeat(216)), undefined],
  ['version 2 over UDP', binaryHeader('2112', addresses4), undefined],
  ['version 2 over nothing that it knows', binaryHeader('2110', addresses4), undefined],
  ['version 2 of an unknown client', binaryHeader('2100'), undefined],
  ['version 2 of an unknown client with an extension', binaryHeader('2100', extension), undefined],
]

for (const [name, header, source] of valid) {
  test(`${name} is parsed wherever it is cut, and the bytes after it are not`, () => {
    for (let length = 0; length < header.length; length++) {
      assert.deepEqual(readProxyHeader(header.subarray(0, length)), { type: 'incomplete' }, `${length} bytes`)
    }
    assert.deepEqual(readProxyHeader(header), complete(header, source))
    for (const behind of ['EHLO client.test\r\n', '\r\n', 'PROXY TCP4 192.0.2.8 192.0.2.25 1 2\r\n', '\0']) {
      const all = Buffer.concat([header, Buffer.from(behind)])
      assert.deepEqual(readProxyHeader(all), complete(header, source), behind)
    }
  })
}

test('a health check has no client, even if it has addresses', () => {
  for (const header of [
    healthCheck,
    binaryHeader('2011', addresses4),
    binaryHeader('2011', '00'),
    binaryHeader('20ff', extension),
  ]) {
    assert.deepEqual(readProxyHeader(header), complete(header, undefined, true))
  }
})

const line = 'PROXY TCP4 192.0.2.7 192.0.2.25 40000 25\r\n'

/** Bytes that are not a valid header. */
const malformed: readonly (readonly [string, string | Buffer])[] = [
  ['another protocol', 'EHLO client.test\r\n'],
  ['TLS', Buffer.from('16030100', 'hex')],
  ['a line in lower case', 'proxy TCP4'],
  ['a line after a space', ` ${line}`],
  ['a line after an empty one', `\r\n${line}`],
  ['no word', 'PROXY \r\n'],
  ['another word', line.replace('TCP4', 'UDP4')],
  ['a word that goes on', 'PROXY UNKNOWNS\r\n'],
  ['a word in lower case', line.replace('TCP4', 'tcp4')],
  ['two spaces before the word', line.replace('PROXY ', 'PROXY  ')],
  ['two spaces before an address', line.replace('TCP4 ', 'TCP4  ')],
  ['a tabulator', line.replace('TCP4 ', 'TCP4\t')],
  ['a space at the end', line.replace('\r', ' \r')],
  ['one word too many', line.replace('\r', ' 1\r')],
  ['one port only', line.replace(' 25\r', '\r')],
  ['no destination', line.replace(' 192.0.2.25', '')],
  ['a port beyond 65535', line.replace('40000', '65536')],
  ['a long port', line.replace('40000', '400000')],
  ['a port with a zero in front', line.replace('40000', '04000')],
  ['a port with a sign', line.replace('40000', '+4000')],
  ['a port in hex', line.replace('40000', '0x40')],
  ['a source with a zero in front', line.replace('192.0.2.7', '192.0.2.07')],
  ['a source of three numbers', line.replace('192.0.2.7', '192.0.7')],
  ['a source beyond 255', line.replace('192.0.2.7', '192.0.2.256')],
  ['a name as source', line.replace('192.0.2.7', 'localhost')],
  ['IPv6 in TCP4', line.replace('192.0.2.7', '2001:db8::7')],
  ['IPv4 in TCP6', line.replace('TCP4', 'TCP6')],
  ['a destination of the other family', line.replace('192.0.2.25', '2001:db8::25')],
  ['a zone', 'PROXY TCP6 fe80::1%eth0 ::1 1 1\r\n'],
  ['brackets', 'PROXY TCP6 [::1] ::1 1 1\r\n'],
  ['nine groups', 'PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 1\r\n'],
  ['two gaps', 'PROXY TCP6 1::2::3 ::1 1 1\r\n'],
  ['LF alone', line.replace('\r', '')],
  ['bare LF after UNKNOWN', 'PROXY UNKNOWN\n'],
  ['CR in the middle', 'PROXY UNKNOWN a\rb\r\n'],
  ['CR twice', line.replace('\r', '\r\r')],
  ['a line of 108 octets', lineHeader('UNKNOWN '.padEnd(100, 'x'))],
  ['a line without an end', `PROXY ${'x'.repeat(101)}`],
  ['CR as the 107th octet', `${'PROXY UNKNOWN '.padEnd(106, 'x')}\r`],
  ['another signature', Buffer.from('0d0a0d0a000d0a515549540b', 'hex')],
  ['version 1 in version 2', binaryHeader('1111', addresses4)],
  ['version 3', binaryHeader('3111', addresses4)],
  ['another command', binaryHeader('2211', addresses4)],
  ['another family', binaryHeader('2141', addresses4)],
  ['another transport', binaryHeader('2113', addresses4)],
  ['too few octets for IPv4', binaryHeader('2111', addresses4.slice(2))],
  ['too few octets for IPv6', binaryHeader('2121', addresses4)],
  ['too few octets for a Unix socket', binaryHeader('2131', addresses6)],
  ['too many octets', binaryHeader('2111', addresses4, 2049)],
  ['too many octets of a health check', binaryHeader('2000', '', 65_535)],
]

for (const [name, text] of malformed) {
  test(`${name} is malformed`, () => {
    const bytes = Buffer.from(text as string, 'latin1')
    assert.deepEqual(readProxyHeader(bytes), { type: 'malformed' })
  })
}

test('the same bytes give the same header, however they are cut, and every wait has a limit', () => {
  const pieces = ['PROXY ', 'TCP4 ', 'TCP6 ', 'UNKNOWN', '192.0.2.7 ', '::1 ', '25', ' ', '\r', '\n', '\r\n']
  const binary = [
    '\r\n\r\n\0\r\nQUIT\n',
    '\x20',
    '\x21',
    '\x11',
    '\x21',
    '\0\x0c',
    '\0\x24',
    '\x07\xff',
    '\0',
  ]
  const beginnings = [...valid.map(([, header]) => header), Buffer.alloc(0)]
  fc.assert(
    fc.property(
      fc.constantFrom(...beginnings),
      fc.nat(2100),
      bytesFrom([...pieces, ...binary, 'x'.repeat(500)]),
      cutPositions,
      (beginning, kept, others, at) => {
        const bytes = Buffer.concat([beginning.subarray(0, kept), others])
        const whole = readProxyHeader(bytes)
        let held = Buffer.alloc(0)
        for (const chunk of cut(bytes, at)) {
          held = Buffer.concat([held, chunk])
          const header = readProxyHeader(held)
          if (header.type === 'incomplete') assert.ok(held.length < maxHeaderBytes)
          else assert.deepEqual(header, whole)
        }
        if (whole.type === 'complete') assert.ok(whole.bytes <= bytes.length)
      },
    ),
    { numRuns: 5000 },
  )
})

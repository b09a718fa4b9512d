import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  copyOfPart,
  isAscii,
  isBase64,
  isXtext,
  readParameters,
  readPath,
  readUtf8,
} from '../../src/protocol/grammar.ts'

const address = (text: string) => {
  const path = readPath(text)
  return typeof path === 'string' ? path : path.address
}

test('paths that RFC 5321 allows are parsed as written', () => {
  for (const path of [
    'a@example.org',
    'A.b+c@sub.example.org',
    "!#$%&'*+-/=?^_`{|}~@example.org",
    '"a b"@example.org',
    '"a@b"@example.org',
    '"a>b"@example.org',
    '"a\\"b"@example.org',
    '""@example.org',
    'a@[127.0.0.1]',
    'a@[0.9.10.99]',
    'a@[9.100.199.200]',
    'a@[200.249.250.255]',
    'a@[255.250.249.200]',
    'a@[99.19.1.0]',
    'a@[IPv6:::1]',
    'a@[IPv6:2001:db8::ffff:192.0.2.1]',
    'a@[x-tag:anything]',
    'a@[x-IPv6:anything]',
    'a@[ipv6:::1]',
    'a@xn--bcher-kva.example',
    'a@a--b.example',
    'root@my_container',
    'a@1.example',
    `${'x'.repeat(64)}@example.org`,
    'Postmaster',
    '',
  ]) {
    assert.equal(address(`<${path}>`), path)
  }
})

test('the index after a path is returned', () => {
  for (const path of ['<>', '<a@s>', '<Postmaster>', '<@x.example:a@s>', '<a@[1.2.3.4]>']) {
    for (const more of ['', ' SIZE=1', ` X=${'x'.repeat(300)}`]) {
      const read = readPath(path + more)
      assert.equal(typeof read === 'string' ? read : read.end, path.length)
    }
  }
})

test('a text is ASCII if all of its characters are', () => {
  for (const text of ['', 'a@s', '\0\x7f']) assert.equal(isAscii(text), true)
  for (const text of ['é', 'aé', 'éa', '\x80']) assert.equal(isAscii(text), false)
})

test('a source route is accepted and removed (appendix C)', () => {
  assert.equal(address('<@x.example,@y.example:a@s.example>'), 'a@s.example')
  assert.equal(address('<@[127.0.0.1]:a@s.example>'), 'a@s.example')
})

test('an invalid address is refused', () => {
  for (const path of [
    'a',
    'a@',
    '@s.example',
    'a b@s',
    '.a@s',
    'a.@s',
    'a..b@s',
    'a@-x.example',
    'a@x-.example',
    'a@x..example',
    'a@.x',
    'a@x.',
    'a@[999.0.0.1]',
    'a@[1.2.3]',
    'a@[1.2.3.4.5]',
    'a@[1.2.3.4x]',
    'a@[x1.2.3.4]',
    'a@[256.1.1.1]',
    'a@[260.1.1.1]',
    'a@[300.1.1.1]',
    'a@[1.1.1.256]',
    'a@[1.1.1.260]',
    'a@[!x:y]',
    'a@[x-:y]',
    'a@[x:]',
    'a@[IPv6:zz]',
    'a@[IPv6:]',
    'a@[]',
    'a@[127.0.0.1',
    '"a@s',
    '"a"b@s',
    'a@s@t',
    '<a@s',
    '@x.example:',
    '@x.example,a@s',
    '@x.example,yz.example:a@s',
    '@x.example;@y.example:a@s',
    'xpostmaster',
    'postmasterx',
    '@-x.example:a@s',
    '@[1.2.3]:a@s',
    'a@s\0',
    'a\x01@s',
    '"a\tb"@s',
    'a\u200bb@s',
    'a@s\u3002t',
    'a@s\ud800',
    'a\u00a0@s',
    `a@${'x'.repeat(256)}`,
    `${'x'.repeat(250)}@s.example`,
  ]) {
    assert.equal(address(`<${path}>`), 'bad address', path)
  }
  assert.equal(address('<a@s'), 'bad address')
  assert.equal(address('a@s>'), 'not a path')
  assert.equal(address(''), 'not a path')
})

test('an address may have characters of any script, and they are kept unchanged', () => {
  for (const path of ['é@s', 'e\u0301@s', '用户@例え.テスト', '"a ü"@bücher-laden.example', '😀@s'])
    assert.equal(address(`<${path}>`), path)
})

test('octets are counted, not characters', () => {
  assert.equal(address(`<${'é'.repeat(126)}@s>`), `${'é'.repeat(126)}@s`)
  assert.equal(address(`<a${'é'.repeat(126)}@s>`), 'bad address')
  assert.equal(address(`<${'😀'.repeat(64)}@s>`), 'bad address')
})

test('UTF-8 is strict', () => {
  assert.equal(readUtf8(Buffer.from('aé😀')), 'aé😀')
  assert.equal(readUtf8(Buffer.from('\ufeffa')), '\ufeffa')
  for (const bytes of ['80', 'c3', 'c0af', 'e080af', 'eda080', 'f4908080', 'ff'])
    assert.equal(readUtf8(Buffer.from(bytes, 'hex')), undefined, bytes)
})

test('an address is parsed in time linear in its length', () => {
  for (const text of ['a.', '-', 'é', 'é-', 'é.', 'a-', '"', '\\', '@a,', '[', 'a@']) {
    const begin = process.cpuUsage().user
    readPath(`<${text.repeat(200_000)}`)
    assert.ok(process.cpuUsage().user - begin < 1_000_000, text)
  }
})

test('parameters', () => {
  assert.deepEqual(
    [...(readParameters(' SIZE=10  body=8BITMIME X-y') as Map<string, string>)],
    [
      ['SIZE', '10'],
      ['BODY', '8BITMIME'],
      ['X-Y', ''],
    ],
  )
  for (const text of ['SIZE=', '=1', 'A=B=C', '-A=1', 'A=b\x01', 'A_B=1'])
    assert.equal(readParameters(text), 'syntax', text)
  assert.equal(readParameters('SIZE=1 size=2'), 'twice')
  assert.equal((readParameters('PROTO=1') as Map<string, string>).get('CONSTRUCTOR'), undefined)
})

test('a part of a much longer text is copied, and equal', () => {
  for (const part of ['', 'a@example.org', 'jörg@münchen.example', 'x'.repeat(300)]) {
    for (const more of ['', ' '.repeat(10), ' '.repeat(2000)])
      assert.equal(copyOfPart(part, more + part), part)
  }
})

test('base64 is strict', () => {
  for (const good of ['', 'AHVzZXIAcGFzcw==', 'AAAA', '+/8=']) assert.equal(isBase64(good), true, good)
  for (const bad of ['!!!!', 'AAA', 'AAAA=', 'AA=A', 'A A=', '-_8=', 'AHVzZXIAcGFzcx==', 'AAAA\n', '====']) {
    assert.equal(isBase64(bad), false, bad)
  }
})

test('xtext stands for printable ASCII', () => {
  for (const good of ['', 'a@example.org', 'e+3Dmc2@example.com', '+2B'])
    assert.equal(isXtext(good), true, good)
  for (const bad of ['a+zz', 'a b', 'a=b', '+0D+0A', '+7F', '+4g', '+', 'é', '+e9'])
    assert.equal(isXtext(bad), false, bad)
})

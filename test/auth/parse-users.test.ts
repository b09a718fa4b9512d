import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ParseOptions, parseUsers } from '../../src/auth/index.ts'

/** Of the word `password`. */
const hash = '$2y$10$85/eICRuwBwutrou64G5HeoF3Ek/qf1YKPLba7ckiMxUTAeLIeyaC'

const compile = async (source: string, place: string) => {
  if (source.includes('('))
    throw new Error(`${place}: error parsing regexp: missing closing ): \`${source}\``)
  const pattern = new RegExp(source)
  return (text: string) => pattern.test(text)
}

const read = (text: string | Buffer, reading: Partial<ParseOptions> = {}) =>
  parseUsers(Buffer.from(text as string), { path: 'users', compile, ...reading })

test('a line contains a name and a hash, as htpasswd -B writes them', async () => {
  const users = await read(`alice:${hash}\nbob:${hash.replace('$2y$10$', '$2b$05$')}\n`)
  assert.deepEqual([...users.keys()], ['alice', 'bob'])
  assert.deepEqual([users.get('alice')?.hash?.cost, users.get('bob')?.hash?.cost], [10, 5])
  assert.equal(await users.get('alice')?.hash?.matches('password'), true)
  assert.equal(users.get('alice')?.senders, undefined)
})

test('everything after the second colon is the expression for senders', async () => {
  const users = await read(`alice:${hash}:^(?:a|b):c@example\\.org$\n`.replace('(?:a|b)', '[ab]'))
  const senders = users.get('alice')?.senders
  assert.deepEqual(
    ['a:c@example.org', 'a@example.org', ''].map(sender => senders?.(sender)),
    [true, false, false],
  )
})

test('an empty expression counts as none', async () => {
  assert.equal((await read(`alice:${hash}:\n`)).get('alice')?.senders, undefined)
})

test('blank lines, comments, CRLF, a byte order mark and white space at both ends are ignored', async () => {
  const text = `\uFEFF# users\r\n\r\n   \r\n  alice:${hash}  \r\n # bob:x\r\n\tcarol:${hash}:@a$ \r\nd e:${hash}\r\n`
  const users = await read(text)
  assert.deepEqual([...users.keys()], ['alice', 'carol', 'd e'])
  assert.equal(users.get('carol')?.senders?.('x@a'), true)
})

test('a file without users is valid', async () => {
  for (const text of ['', '\n', '# nobody\n']) assert.equal((await read(text)).size, 0)
})

test('a file whose last line does not end with a newline may be incomplete, and is rejected', async () => {
  const incomplete = 'users: the last line does not end with a newline; the file may be incomplete'
  const whole = `alice:${hash}\nbob:${hash}:^bob@example\\.org$\n`
  for (let end = 1; end < whole.length; end++) {
    if (whole[end - 1] === '\n') continue
    await assert.rejects(read(whole.slice(0, end)), { message: incomplete }, whole.slice(0, end))
  }
  // Cut in the middle of a character.
  await assert.rejects(read(Buffer.from(`é:${hash}\né`).subarray(0, -1)), { message: incomplete })
  assert.deepEqual([...(await read(whole)).keys()], ['alice', 'bob'])
})

const form = 'not a line of the form user:hash or user:hash:expression'
const noHash = 'the text after the user name is not a bcrypt hash; create one with htpasswd -B'

for (const [what, line, message] of [
  ['a line without a colon', 'hunter2', form],
  ['a line without a hash', 'bob:', form],
  ['a line without a hash, with an expression', 'bob::x', form],
  ['an empty name', `:${hash}`, 'the user name is empty'],
  ['a password in clear', 'bob:hunter2', noHash],
  ['a hash of MD5', 'bob:$apr1$hunter2$x', noHash],
  ['a hash of SHA', 'bob:{SHA}hunter2', noHash],
  ['a hash that is cut short', `bob:${hash.slice(0, -1)}`, noHash],
  ['a hash and a name in the wrong order', `${hash}:bob`, noHash],
  ['control characters in the name', `b\x07ob:${hash}`, 'control characters are not allowed'],
  ['control characters in the expression', `bob:${hash}:a\tb`, 'control characters are not allowed'],
  [
    'a cost of hours',
    `bob:${hash.replace('$10$', '$18$')}`,
    'the cost of the hash is above 17, which takes too long',
  ],
  ['a user twice', `alice:${hash}`, 'the same user as in line 2'],
  ['the user of -u', `root:${hash}`, 'the same user as -u/--user'],
  ['an expression that is malformed', `bob:${hash}:secret(`, 'error parsing regexp: missing closing )'],
] as const) {
  test(`rejected with its line: ${what}`, async () => {
    const text = `# users\nalice:${hash}\n\n${line}\n`
    await assert.rejects(read(text, { otherUser: 'root' }), (error: Error) => {
      assert.equal(error.message, `users:4: ${message}`)
      for (const secret of ['hunter2', hash, hash.slice(7, 20)]) assert.ok(!error.message.includes(secret))
      return true
    })
  })
}

test('a file that is not UTF-8 is rejected', async () => {
  await assert.rejects(read(Buffer.from([0xff, 0x0a])), { message: 'users: the file is not valid UTF-8' })
})

test('names of properties that every object has are ordinary names', async () => {
  const users = await read(`__proto__:${hash}\nconstructor:${hash}\n`)
  assert.deepEqual([...users.keys()], ['__proto__', 'constructor'])
})

test('whatever the file contains, it is parsed, or an error of one line names the file and shows no hash', async () => {
  const part = fc.oneof(
    fc.constantFrom(hash, `a:${hash}`, ':', '\n', '\r\n', '#', ' ', 'a', 'b', '$2y$10$'),
    fc.string({ unit: 'binary' }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 12 }), async parts => {
      try {
        const users = await read(parts.join(''), { compile: async () => () => true })
        for (const [name, account] of users) assert.ok(name === account.name && account.hash !== undefined)
      } catch (error) {
        const { message } = error as Error
        assert.match(message, /^users(:\d+)?: [^\p{Cc}]+$/u)
        assert.ok(!message.includes('$2y$'))
      }
    }),
    { numRuns: 1000 },
  )
})

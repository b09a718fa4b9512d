import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { smtpTranscript } from './command.ts'

const right = `Title: A greeting
Spec: RFC 5321

? connect
S: 220 relay.test Relay ESMTP Service ready
`
const wrong = right.replace('220 relay.test', '220 \x1b[31mother.test')

describe('smtp-transcript', () => {
  for (const [args, message] of [
    [[], 'a command is missing'],
    [['fly'], 'no such command: fly'],
    [['\x1b[31m'], 'no such command: \\x1b[31m'],
    [['play', '--fast'], 'play has no option --fast'],
    [['play', '--runner'], '--runner NAME is missing'],
    [['play', '--runner', 'fast'], 'unknown runner: fast'],
    [['play', '--update=yes'], '--update takes no value'],
    [['play', '--update', '-'], '--update cannot write to standard input'],
  ] as const)
    it(`reports a mistake, and prints the usage: "${args.join(' ').replace('\x1b', '')}"`, async () => {
      const { code, stdout, stderr } = await smtpTranscript(args)
      assert.deepEqual([code, stdout], [2, ''])
      const [first, second] = stderr.split('\n')
      assert.equal(first, message)
      assert.match(second!, /^Usage: smtp-transcript /)
    })

  it('has a help text for itself and every command, in 80 columns', async () => {
    const { code, stdout } = await smtpTranscript(['--help'])
    assert.equal(code, 0)
    const names = [...stdout.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name!)
    assert.deepEqual(names, ['play', 'replay', 'import', 'record'])
    const helps = await Promise.all(names.map(name => smtpTranscript([name, '--help'])))
    for (const [index, help] of helps.entries()) {
      assert.equal(help.code, 0)
      assert.match(help.stdout, new RegExp(`^Usage: smtp-transcript ${names[index]} `))
    }
    for (const text of [stdout, ...helps.map(help => help.stdout)])
      for (const line of text.split('\n')) assert.ok(line.length <= 80, line)
  })

  it('prints its version', async () => {
    assert.match((await smtpTranscript(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/)
  })
})

describe('play', () => {
  it('succeeds if every runner gets the text of the file', async t => {
    const folder = await temporaryDirectory(t)
    await writeFile(join(folder, 'greeting.smtp'), right)
    const { code, stdout } = await smtpTranscript(['play', folder])
    assert.deepEqual([code, stdout], [0, '1 transcript: 1 as written, 0 not\n'])
  })

  it('shows what was expected and what it got, with control characters escaped', async t => {
    const file = join(await temporaryDirectory(t), 'greeting.smtp')
    await writeFile(file, wrong)
    const { code, stdout } = await smtpTranscript(['play', '--runner', 'loopback', file])
    assert.equal(code, 1)
    assert.equal(
      stdout,
      `${file}: A greeting (loopback)
    3
    4   ? connect
    5 - S: 220 \\x1b[31mother.test Relay ESMTP Service ready
    5 + S: 220 relay.test Relay ESMTP Service ready
    6
1 transcript: 0 as written, 1 not
`,
    )
  })

  it('updates the file with --update', async t => {
    const file = join(await temporaryDirectory(t), 'greeting.smtp')
    await writeFile(file, wrong)
    const { code, stdout } = await smtpTranscript(['play', '--update', file])
    assert.deepEqual([code, stdout], [0, `${file}: updated\n1 transcript: 1 as written, 0 not\n`])
    assert.equal(await readFile(file, 'utf8'), right)
    assert.doesNotMatch((await smtpTranscript(['play', '--update', file])).stdout, /updated/)
  })

  it('names the line of a file that is not a transcript', async () => {
    const { code, stdout } = await smtpTranscript(['play', '-'], right.replace('?', 'X'))
    assert.deepEqual([code, stdout.split('\n')[0]], [1, '-:4: not a line of a transcript: X connect'])
  })

  it('exits with status 2 if a file does not exist', async () => {
    const { code, stderr } = await smtpTranscript(['play', '/nonexistent'])
    assert.equal(code, 2)
    assert.match(stderr, /no such file.*\/nonexistent/)
  })
})

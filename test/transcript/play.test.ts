import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { temporaryDirectory } from '../support/relay-process.ts'
import { smtpTranscript } from './command.ts'

const right = `Title: A greeting
Spec: RFC 5321

? connect
S: 220 relay.test Relay ESMTP Service ready
`
const wrong = right.replace('220 relay.test', '220 \x1b[31mother.test')

describe('smtp-transcript', () => {
  for (const [args, says] of [
    [[], 'a command is missing'],
    [['fly'], 'no such command: fly'],
    [['\x1b[31m'], 'no such command: \\x1b[31m'],
    [['play', '--fast'], 'play has no option --fast'],
    [['play', '--player'], '--player NAME is missing'],
    [['play', '--player', 'piano'], 'no such player: piano'],
    [['play', '--update=yes'], '--update takes no value'],
    [['play', '--update', '-'], '--update cannot write standard input'],
  ] as const)
    it(`says what is wrong with "${args.join(' ').replace('\x1b', '')}", and how it is used`, async () => {
      const { code, stdout, stderr } = await smtpTranscript(args)
      assert.deepEqual([code, stdout], [2, ''])
      const [first, second] = stderr.split('\n')
      assert.equal(first, says)
      assert.match(second!, /^Usage: smtp-transcript /)
    })

  it('helps with itself and with every command, in 80 columns', async () => {
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

  it('says its version', async () => {
    assert.match((await smtpTranscript(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/)
  })
})

describe('play', () => {
  it('is content where every player gets what is written', async t => {
    const folder = await temporaryDirectory(t)
    await writeFile(join(folder, 'greeting.smtp'), right)
    const { code, stdout } = await smtpTranscript(['play', folder])
    assert.deepEqual([code, stdout], [0, '1 transcript: 1 as written, 0 not\n'])
  })

  it('shows what was expected and what it got, and no order to the terminal', async t => {
    const file = join(await temporaryDirectory(t), 'greeting.smtp')
    await writeFile(file, wrong)
    const { code, stdout } = await smtpTranscript(['play', '--player', 'loopback', file])
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

  it('writes down what the server does when it is told to', async t => {
    const file = join(await temporaryDirectory(t), 'greeting.smtp')
    await writeFile(file, wrong)
    const { code, stdout } = await smtpTranscript(['play', '--update', file])
    assert.deepEqual([code, stdout], [0, `${file}: written anew\n1 transcript: 1 as written, 0 not\n`])
    assert.equal(await readFile(file, 'utf8'), right)
    assert.doesNotMatch((await smtpTranscript(['play', '--update', file])).stdout, /anew/)
  })

  it('names the line of a file that is no transcript', async () => {
    const { code, stdout } = await smtpTranscript(['play', '-'], right.replace('?', 'X'))
    assert.deepEqual([code, stdout.split('\n')[0]], [1, '-:4: not a line of a transcript: X connect'])
  })

  it('cannot play what is not there', async () => {
    const { code, stderr } = await smtpTranscript(['play', '/nonexistent'])
    assert.equal(code, 2)
    assert.match(stderr, /no such file.*\/nonexistent/)
  })
})

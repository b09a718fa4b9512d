import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { missingTool, runTool } from '../support/external-tool.ts'
import { RelayProcess, tlsArguments } from '../support/relay-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { smtpTranscript } from './command.ts'

const output = `=== Trying 127.0.0.1:25...
=== Connected to 127.0.0.1.
<-  220 x
 -> EHLO c
<-  250-x
<-  250 STARTTLS
 -> STARTTLS
<-  220 go
=== TLS started with cipher TLSv1.3:TLS_AES_256_GCM_SHA384:256
 ~> EHLO c
<~  250-x
<~  250 AUTH PLAIN
 ~> AUTH PLAIN AHRpbQBodXNo
<~* 535 5.7.8 No
*** No authentication type succeeded
 ~> QUIT
<~  221 Bye
=== Connection closed with remote host.
`
const imported = `Title: A dialogue of swaks
Spec: RFC 5321
With: tls=offered, mechanisms=PLAIN

? connect
S: 220 x
C: EHLO c
S: 250-x
S: 250 STARTTLS
C: STARTTLS
S: 220 go
> upgrade
* secured
C: EHLO c
S: 250-x
S: 250 AUTH PLAIN
C: AUTH PLAIN AHVzZXIAc2VjcmV0
S: 535 5.7.8 No
C: QUIT
S: 221 Bye
> close
`

async function importing(text: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await smtpTranscript(['import', ...args, '-'], text)
  assert.equal(code, 0, stderr)
  return stdout
}

const bodyOf = (text: string) => text.slice(text.indexOf('\n\n') + 2)

describe('import', () => {
  it('converts the output of swaks to a transcript without secrets', async () =>
    assert.equal(await importing(output), imported))

  it('does not need the informational lines of swaks', async () =>
    assert.equal(await importing(output.replace(/^(===|\*\*\*).*\n/gm, '')), imported))

  it('takes a title and a specification, and keeps secrets with --keep-credentials', async () => {
    const text = await importing(output, '--title', 'Tim', '--spec=RFC 4954', '--keep-credentials')
    assert.match(text, /^Title: Tim\nSpec: RFC 4954\nWith: .*\n\n/)
    assert.match(text, /^C: AUTH PLAIN AHRpbQBodXNo$/m)
  })

  it('encodes credentials that --auth-plaintext has decoded', async () => {
    const text =
      '<-  220 x\n -> AUTH LOGIN\n<-  334 Username:\n -> tim\n<-  334 Password:\n -> hush\n<-  235 y\n'
    assert.equal(
      bodyOf(await importing(text, '--keep-credentials')),
      '? connect\nS: 220 x\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dGlt\nS: 334 UGFzc3dvcmQ6\nC: aHVzaA==\nS: 235 y\n* hangs up\n',
    )
    const plain = await importing(
      '<-  220 x\n -> AUTH PLAIN \\0tim\\0hush\n<-  235 y\n',
      '--keep-credentials',
    )
    assert.match(plain, /^C: AUTH PLAIN AHRpbQBodXNo$/m)
    assert.doesNotMatch(await importing('<-  220 x\n -> AUTH PLAIN \\0tim\\0hush\n'), /hush|aHVza/)
  })

  it('has a comment if swaks did not show everything', async () => {
    const silent = await importing('<** 550 No\n -> QUIT\n<-  221 Bye\n')
    assert.match(silent, /^\? connect\n# swaks does not show the beginning\nS: 550 No\nC: QUIT\n/m)
    const suppressed = await importing('<-  220 x\n -> DATA\n<-  354 go\n -> 5 lines sent\n<-  250 y\n')
    assert.match(suppressed, /^S: 354 go\n# swaks does not show the content, 5 lines\nC: \.\nS: 250 y$/m)
  })

  it('keeps every byte of a message', async t => {
    const file = join(await temporaryDirectory(t), 'out')
    await writeFile(
      file,
      Buffer.from('<-  220 x\n -> DATA\n<-  354 go\n -> gr\xfc\xdfe\n -> \n ->\n -> .\n', 'latin1'),
    )
    const { stdout } = await smtpTranscript(['import', file])
    assert.match(stdout, /^C~ gr\\xfc\\xdfe\\r\\n\nC:\nC:\nC: \.$/m)
  })

  it('recognizes TLS from the first byte', async () =>
    assert.match(
      await importing('<~  220 x\n ~> QUIT\n<~  221 Bye\n'),
      /^With: secure=yes\n\n\? connect\nS: 220 x$/m,
    ))

  for (const [text, message] of [
    ['', /-: no line of a client in the output of swaks/],
    ['Subject: hello\n\nhello\n', /-: no line of a client/],
    ['<-  220 x\n', /-: no line of a client/],
  ] as const)
    it(`exits with status 2 if there is no dialogue: ${JSON.stringify(text)}`, async () => {
      const { code, stdout, stderr } = await smtpTranscript(['import', '-'], text)
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, message)
    })

  it('exits with status 2 for an invalid title', async () => {
    const { code, stderr } = await smtpTranscript(['import', '--title', 'a\nSpec: b', '-'], output)
    assert.equal(code, 2)
    assert.match(stderr, /^--title must be one line/)
  })
})

describe('the real output of swaks', { skip: missingTool('swaks') }, () => {
  async function swaks(t: TestContext, ...args: string[]) {
    const relay = await RelayProcess.start(t, {
      args: ['-r', 'discard', '--allow-plaintext-auth', '-u', 'tim', ...tlsArguments],
      env: { PASSWORD: 'hush' },
      implicitTls: true,
    })
    const port = args.includes('--tls-on-connect') ? relay.tlsPort : relay.port
    const addressing = [
      '--server',
      '127.0.0.1',
      '--port',
      String(port),
      '--from',
      'a@s.example',
      '--to',
      'b@r.example',
    ]
    const { stdout, stderr } = await runTool('swaks', [...addressing, '--helo', 'client.test', ...args])
    return { relay, output: stdout + stderr }
  }
  const login = ['--auth-user', 'tim', '--auth-password', 'hush', '--auth']

  for (const args of [
    [...login, 'PLAIN'],
    [...login, 'LOGIN', '--auth-plaintext'],
    [...login, 'CRAM-MD5', '--tls'],
    [...login, 'PLAIN', '--tls-on-connect', '--hide-informational'],
    [...login, 'PLAIN', '--pipeline', '--quit-after', 'RCPT'],
    [...login, 'PLAIN', '--suppress-data'],
    ['--silent', '1'],
  ])
    it(`becomes a transcript that can be played: ${args.join(' ')}`, async t => {
      const { output } = await swaks(t, ...args)
      const file = join(await temporaryDirectory(t), 'swaks.smtp')
      const text = await importing(output)
      assert.doesNotMatch(text, /hush|aHVza|AHRpbQ/)
      await writeFile(file, text)
      const { code, stdout } = await smtpTranscript(['play', '--update', file])
      assert.equal(code, 0, stdout)
    })

  it('can be replayed as it is', async t => {
    const { relay, output } = await swaks(t, ...login, 'PLAIN', '--tls')
    const file = join(await temporaryDirectory(t), 'output.txt')
    await writeFile(file, output)
    const { code, stdout } = await smtpTranscript(['replay', '--server', `127.0.0.1:${relay.port}`, file])
    assert.match(stdout, /\| +1 \| +0 \| +0 \| +0 \|/)
    assert.equal(code, 0)
  })
})

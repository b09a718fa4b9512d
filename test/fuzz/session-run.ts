import assert from 'node:assert/strict'
import { cramMd5, login, plain } from '../../src/auth/index.ts'
import {
  defaultLimits,
  type Event,
  isQuestion,
  reply,
  Session,
  type SessionSettings,
} from '../../src/protocol/index.ts'

/** Everything is offered, and every limit is small, so that each one is reached. */
export const settings: SessionSettings = {
  hostname: 'relay.test',
  service: 'Fuzz',
  tls: 'offered',
  authRequired: false,
  mechanisms: [plain, login, cramMd5({ challenge: () => '<1@relay.test>' })],
  allowPlaintextAuth: true,
  smtpUtf8: true,
  binaryMime: true,
  bareNewline: 'normalize',
  strictPipelining: false,
  limits: {
    ...defaultLimits,
    messageBytes: 60,
    commandLineBytes: 100,
    authLineBytes: 120,
    discardedLineBytes: 400,
    recipients: 3,
    hardErrorLimit: 12,
    softErrorLimit: 4,
    junkCommands: 8,
    smallChunks: 6,
    refusals: 20,
    turnCommands: 2,
  },
}

/** A session with a client that nobody knows. */
export function session(other: Partial<SessionSettings> = {}): Session {
  return new Session({ ...settings, ...other }, { address: '192.0.2.1', secure: false })
}

/** What a session did. */
export interface SessionRun {
  /** All that happened, in order; how content was cut is not of interest. */
  readonly transcript: string
  /** All replies. */
  readonly output: string
  /** The content of all mails, one behind the other. */
  readonly content: Buffer
}

/** Feeds the chunks to a session whose host refuses `no@` only. */
export function runSession(chunks: readonly Buffer[], other: Partial<SessionSettings> = {}): SessionRun {
  const played = session(other)
  let story = ''
  let output = ''
  const content: Buffer[] = []
  const say = () => {
    const replies = played.takeOutput()
    story += replies
    output += replies
  }
  const run = () => {
    for (let event = played.next(); event !== undefined; event = played.next()) {
      say()
      // Other connections get a turn between two reads, too: where it comes depends on how the bytes were cut.
      if (event.type === 'yield') continue
      story += event.type === 'content' ? `[${event.bytes.toString('hex')}]` : `(${event.type})`
      if (event.type === 'content') content.push(Buffer.from(event.bytes))
      if (isQuestion(event)) played.answer(answerTo(event))
    }
    say()
  }
  run()
  for (const chunk of chunks) {
    played.receive(chunk)
    run()
  }
  played.disconnected()
  run()
  return { transcript: story.replaceAll('][', ''), output, content: Buffer.concat(content) }
}

function answerTo(event: Event) {
  return event.type === 'recipient' && event.address.startsWith('no@') ? reply(550, '5.7.1', 'No') : undefined
}

/** Every line is a reply line of at most 512 octets, and the lines of one reply have one code (RFC 5321 section 4.2). */
export function assertReplies(output: string): void {
  assert.ok(output === '' || output.endsWith('\r\n'), 'a reply without its end')
  let code: string | undefined
  for (const line of output.split('\r\n').slice(0, -1)) {
    assert.match(line, /^[2-5][0-5][0-9][ -][ -~]*$/)
    assert.ok(line.length <= 510, 'a long reply line')
    if (code !== undefined) assert.equal(line.slice(0, 3), code)
    code = line[3] === '-' ? line.slice(0, 3) : undefined
  }
  assert.equal(code, undefined, 'a reply without its last line')
}

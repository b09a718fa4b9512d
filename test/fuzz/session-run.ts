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

/** All extensions are offered, and all limits are small, so that each of them is reached. */
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

/** Returns a session with a client that is not authenticated. */
export function session(other: Partial<SessionSettings> = {}): Session {
  return new Session({ ...settings, ...other }, { address: '192.0.2.1', secure: false })
}

/** The result of a session. */
export interface SessionRun {
  /** All events and replies in order, independent of how content was split. */
  readonly transcript: string
  /** All replies. */
  readonly output: string
  /** The content of all messages, concatenated. */
  readonly content: Buffer
}

/** Passes the chunks to a session whose host rejects only recipients that begin with `no@`. */
export function runSession(chunks: readonly Buffer[], other: Partial<SessionSettings> = {}): SessionRun {
  const engine = session(other)
  let events = ''
  let output = ''
  const content: Buffer[] = []
  const say = () => {
    const replies = engine.takeOutput()
    events += replies
    output += replies
  }
  const run = () => {
    for (let event = engine.next(); event !== undefined; event = engine.next()) {
      say()
      // A yield lets other connections run. Its place depends on how the bytes were split.
      if (event.type === 'yield') continue
      events += event.type === 'content' ? `[${event.bytes.toString('hex')}]` : `(${event.type})`
      if (event.type === 'content') content.push(Buffer.from(event.bytes))
      if (isQuestion(event)) engine.answer(answerTo(event))
    }
    say()
  }
  run()
  for (const chunk of chunks) {
    engine.receive(chunk)
    run()
  }
  engine.disconnected()
  run()
  return { transcript: events.replaceAll('][', ''), output, content: Buffer.concat(content) }
}

function answerTo(event: Event) {
  return event.type === 'recipient' && event.address.startsWith('no@') ? reply(550, '5.7.1', 'No') : undefined
}

/** Checks that every line is a reply line of at most 512 octets, and the lines of one reply have one code (RFC 5321 section 4.2). */
export function assertReplies(output: string): void {
  assert.ok(output === '' || output.endsWith('\r\n'), 'a reply without CRLF')
  let code: string | undefined
  for (const line of output.split('\r\n').slice(0, -1)) {
    assert.match(line, /^[2-5][0-5][0-9][ -][ -~]*$/)
    assert.ok(line.length <= 510, 'a long reply line')
    if (code !== undefined) assert.equal(line.slice(0, 3), code)
    code = line[3] === '-' ? line.slice(0, 3) : undefined
  }
  assert.equal(code, undefined, 'a reply without its last line')
}

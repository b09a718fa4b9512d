import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Event, type HostReply, reply, Session } from '../../src/protocol/index.ts'
import { readConditions } from '../../src/transcript/index.ts'

const { settings, client } = readConditions('')

/** Sends all bytes in one chunk, answers every question, and returns the events and the output. */
function play(bytes: string, answer: (event: Event) => HostReply = () => undefined, own = settings) {
  const session = new Session(own, client)
  session.receive(Buffer.from(bytes))
  const events: Event['type'][] = []
  let close: string | undefined
  for (let event = session.next(); event !== undefined; event = session.next()) {
    events.push(event.type)
    if (event.type === 'close') close = event.reason
    session.answer(answer(event))
  }
  return { events, close, output: session.takeOutput() }
}

test('a greeting of several lines has the code on each of them, the last one with a space', () => {
  const text = ['relay.test Relay ESMTP Service ready', 'We do not accept mail from strangers']
  const { output } = play('', () => ({ code: 220, text }))
  assert.equal(output, `220-${text[0]}\r\n220 ${text[1]}\r\n`)
})

test('every HTTP method closes the connection, and no command after it is executed', () => {
  // IANA's registry of HTTP methods, without `*`: RFC 9110, PATCH, WebDAV and its extensions, HTTP/2's preface, QUERY.
  const registered = `ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE
    MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PRI PROPFIND PROPPATCH PUT
    QUERY REBIND REPORT SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL`
  for (const method of ['get', 'Propfind', ...registered.split(/\s+/)]) {
    const { events, output } = play(`${method} / HTTP/1.1\r\nEHLO c.test\r\nMAIL FROM:<a@s.test>\r\n\r\n`)
    assert.deepEqual(events, ['connect', 'close'], method)
    assert.deepEqual(output.match(/^\d\d\d .\..\../gm), ['421 4.7.0'], method)
  }
})

test('the HTTP/2 preface closes the connection', () => {
  const { events, output } = play('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  assert.deepEqual(events, ['connect', 'close'])
  assert.deepEqual(output.match(/^\d\d\d .\..\../gm), ['421 4.7.0'])
})

test('HELP lists the SMTP commands and no HTTP method', () => {
  const { output } = play('HELP\r\n')
  const [, listed] = /^214 2\.0\.0 Commands: ([A-Z ]+);/m.exec(output) ?? []
  assert.deepEqual(listed?.split(' ').sort(), [
    ...[
      'AUTH',
      'BDAT',
      'DATA',
      'EHLO',
      'EXPN',
      'HELO',
      'HELP',
      'MAIL',
      'NOOP',
      'QUIT',
      'RCPT',
      'RSET',
      'STARTTLS',
    ],
    'VRFY',
  ])
})

test('the host is asked for a hundred of five thousand recipients in one write', () => {
  const recipients = Array.from({ length: 5_000 }, (_, n) => `RCPT TO:<b${n}@r.test>\r\n`)
  const { events, output } = play(`HELO c.test\r\nMAIL FROM:<a@s.test>\r\n${recipients.join('')}DATA\r\n`)
  assert.equal(events.filter(type => type === 'recipient').length, 100)
  assert.equal(output.match(/^250 2\.1\.5 /gm)?.length, 100)
  assert.equal(output.match(/^452 4\.5\.3 /gm)?.length, 4_900)
  assert.match(output, /\r\n354 [^\r]*\r\n$/)
})

test('after fifty commands in a row other connections run, but not if the input is used up or the session is over', () => {
  const yields = (said: string) => play(said).events.filter(type => type === 'yield').length
  assert.equal(yields('RSET\r\n'.repeat(50)), 0)
  assert.equal(yields('RSET\r\n'.repeat(51)), 1)
  assert.equal(yields('RSET\r\n'.repeat(101)), 2)
  assert.equal(yields(`${'RSET\r\n'.repeat(49)}QUIT\r\nRSET\r\n`), 0)
  // An EHLO is answered with more than a hundred bytes.
  assert.equal(yields('EHLO c\r\n'.repeat(10)), 0)
  assert.ok(yields('EHLO c\r\n'.repeat(40)) >= 1)
  const session = new Session(settings, client)
  const events: Event['type'][] = []
  for (let times = 0; times < 100; times++) {
    session.receive(Buffer.from('RSET\r\n'))
    for (let event = session.next(); event !== undefined; event = session.next()) {
      events.push(event.type)
      session.answer()
    }
  }
  assert.deepEqual(events, ['connect'])
})

test('memory of a session is counted: unread input and the envelope', () => {
  const session = new Session(settings, client)
  const run = (said: string) => {
    session.receive(Buffer.from(said))
    for (let event = session.next(); event !== undefined; event = session.next())
      if (event.type !== 'delivery') session.answer()
    return session.heldBytes
  }
  assert.equal(run('EHLO c\r\n'), 0)
  assert.equal(run('NO'), 64)
  assert.equal(run('OP\r\n'), 0)
  const sender = run('MAIL FROM:<a@s.test>\r\n')
  const recipient = run(`RCPT TO:${' '.repeat(1900)}<b@r.test>\r\n`) - sender
  assert.ok(sender > 0 && sender < 150 && recipient > 0 && recipient < 150, `${sender}, ${recipient}`)
  assert.equal(run('RSET\r\n'), 0)
  run('MAIL FROM:<a@s.test>\r\nRCPT TO:<b@r.test>\r\nDATA\r\nx\r\n.\r\nNOOP\r\n')
  assert.equal(session.unreadBytes, 6)
  assert.equal(session.isDelivering, true)
  assert.equal(session.isKnown, false)
  session.answer()
  assert.equal(session.next(), undefined)
  assert.equal(session.isDelivering, false)
  assert.equal(session.isKnown, true)
  assert.equal(session.heldBytes, 0)
})

test('a session that is closed to make room gets 421, and its message is discarded', () => {
  const session = new Session(settings, client)
  const events: Event['type'][] = []
  const run = () => {
    for (let event = session.next(); event !== undefined; event = session.next()) {
      events.push(event.type)
      session.answer()
    }
    return session.takeOutput()
  }
  session.receive(Buffer.from('EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@r.test>\r\nDATA\r\nx'))
  run()
  session.shed()
  assert.match(run(), /^421 4\.3\.2 relay\.test is overloaded, closing connection, try again later\r\n$/)
  assert.deepEqual(events.slice(-2), ['discard', 'close'])
})

test('replies to commands in one chunk are sent together', () => {
  const { output } = play('EHLO c.test\r\nMAIL FROM:<a@s.test>\r\nRCPT TO:<b@r.test>\r\nRSET\r\nNOOP\r\n')
  assert.deepEqual(output.match(/^\d\d\d /gm), ['220 ', '250 ', '250 ', '250 ', '250 ', '250 '])
})

test('if pipelining is strict, a group that RFC 2920 allows may be cut anywhere', () => {
  const strict = { ...settings, strictPipelining: true }
  const groups = [
    'EHLO c.test\r\n',
    'RSET\r\nMAIL FROM:<a@s.test>\r\nRCPT TO:<b@r.test>\r\nRCPT TO:<c@r.test>\r\nDATA\r\n',
    'x\r\n.\r\nMAIL FROM:<a@s.test>\r\nRCPT TO:<b@r.test>\r\nBDAT 3\r\nx\r\nBDAT 0 LAST\r\nQUIT\r\n',
  ]
  for (const group of groups.keys()) {
    for (let at = 1; at < groups[group]!.length; at++) {
      const session = new Session(strict, client)
      const send = (text: string) => {
        if (text !== '') session.receive(Buffer.from(text))
        while (session.next() !== undefined) session.answer()
        return session.takeOutput()
      }
      let output = send('')
      for (const [index, text] of groups.entries()) {
        const cuts = index === group ? [text.slice(0, at), text.slice(at)] : [text]
        for (const piece of cuts) output += send(piece)
      }
      assert.match(output, /\r\n221 2\.0\.0 /, `${group} cut at ${at}`)
    }
  }
})

test('a message that was read to its end is discarded if its client disconnects before the delivery', () => {
  const session = new Session(settings, client)
  // The removed dot puts the last line and the end into one piece.
  session.receive(Buffer.from('EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@r.test>\r\nDATA\r\n..\r\n.\r\n'))
  const events: Event['type'][] = []
  for (let event = session.next(); event !== undefined; event = session.next()) {
    events.push(event.type)
    if (event.type === 'content') session.disconnected()
    else session.answer()
  }
  assert.deepEqual(events, ['connect', 'sender', 'recipient', 'message', 'content', 'discard'])
})

test('the host sees that a client has closed its half, and its commands are still answered', () => {
  const session = new Session(settings, client)
  session.receive(Buffer.from('EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@r.test>\r\nDATA\r\nx\r\n.\r\nNOOP\r\n'))
  const events: Event['type'][] = []
  for (let event = session.next(); event !== undefined; event = session.next()) {
    events.push(event.type)
    assert.equal(session.client.gone, false, event.type)
    if (event.type === 'delivery') break
    session.answer()
  }
  session.takeOutput()
  session.peerClosed()
  assert.equal(session.client.gone, true)
  assert.equal(session.isDelivering, true)
  assert.equal(session.next(), undefined)
  session.answer()
  assert.equal(session.next(), undefined)
  assert.equal(session.takeOutput(), '250 2.0.0 Ok\r\n250 2.0.0 Ok\r\n')
  assert.equal(session.client.gone, true)
  assert.deepEqual(events, ['connect', 'sender', 'recipient', 'message', 'content', 'delivery'])
})

test('after the session is over, its client is gone and gets no answer to a pending question', () => {
  for (const end of ['abort', 'shed', 'timeout', 'disconnected'] as const) {
    const session = new Session(settings, client)
    assert.equal(session.next()?.type, 'connect')
    assert.equal(session.client.gone, false)
    session[end]()
    assert.equal(session.client.gone, true, end)
  }
})

test('an invalid reply of the host is an internal error, and the client does not see it', () => {
  for (const nonsense of [
    { code: 199, text: 'no' },
    { code: 560, text: 'no' },
    { code: 450.5, text: 'no' },
    { code: 550, status: '5.7', text: 'no' },
    { code: 550, status: '5.7.1000', text: 'no' },
    { code: 550, status: '3.7.1', text: 'no' },
    { code: 550, status: '4.7.1', text: 'no' },
    { code: 550, text: [] },
  ]) {
    const { output } = play('EHLO c\r\nMAIL FROM:<>\r\n', ({ type }) =>
      type === 'sender' ? nonsense : undefined,
    )
    assert.match(
      output,
      /\r\n451 4\.3\.0 Local error in processing, try again later\r\n$/,
      JSON.stringify(nonsense),
    )
  }
  const { output } = play('EHLO c\r\nMAIL FROM:<>\r\n', ({ type }) =>
    type === 'sender' ? { code: 559, status: '5.999.0', text: ['no'] } : undefined,
  )
  assert.match(output, /\r\n559 5\.999\.0 no\r\n$/)
})

test('dropped lines of a message count: a client that sends nothing else is disconnected', () => {
  const limits = { ...settings.limits, messageBytes: 100, discardFactor: 2 }
  for (const lines of [49, 50]) {
    const session = new Session({ ...settings, limits }, client)
    const envelope = 'EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@r.test>\r\nDATA\r\n'
    session.receive(Buffer.from(`${envelope}x\n${'.\n'.repeat(2 * lines)}`))
    const events: Event['type'][] = []
    for (let event = session.next(); event !== undefined; event = session.next()) {
      events.push(event.type)
      session.answer()
    }
    const closed = lines === 50
    assert.equal(events.at(-1), closed ? 'close' : 'content', `${lines}`)
    assert.equal(/\r\n552 5\.3\.4 /.test(session.takeOutput()), closed)
  }
})

test('an unlimited or very large limit is listed in a form that clients can parse', () => {
  const limits = { ...settings.limits, recipients: Infinity, messageBytes: Infinity }
  const session = new Session({ ...settings, limits }, client)
  session.receive(Buffer.from('EHLO c.test\r\nMAIL FROM:<a@s.test> SIZE=99999999999\r\n'))
  while (session.next() !== undefined) session.answer()
  const output = session.takeOutput()
  assert.match(output, /^250-SIZE 0\r\n/m)
  assert.match(output, /^250-LIMITS RCPTMAX=999999\r\n/m)
  assert.match(output, /\r\n250 2\.1\.0 Ok\r\n$/)
})

const envelope = 'MAIL FROM:<a@s.test>\r\nRCPT TO:<b@r.test>\r\n'
const refuseMessage = ({ type }: Event) => (type === 'message' ? reply(550, '5.7.1', 'No') : undefined)

test('a message that the host refuses is not an error of the client, with BDAT as with DATA', () => {
  for (const command of ['DATA\r\n', 'BDAT 2 LAST\r\nx\n', 'BDAT 2\r\nx\nBDAT 2 LAST\r\nx\n']) {
    const { events, output } = play(`EHLO c\r\n${`${envelope}${command}RSET\r\n`.repeat(25)}`, refuseMessage)
    assert.equal(output.match(/^550 5\.7\.1 No\r$/gm)?.length, command.match(/DATA|BDAT/g)!.length * 25)
    assert.equal(events.includes('pause'), false, command)
    assert.equal(events.includes('close'), false, command)
  }
})

test('a refused message is one refusal, however many chunks it has', () => {
  const limits = { ...settings.limits, messageBytes: 3, hardErrorLimit: 2, refusals: 2 }
  const chunks = `${'BDAT 2\r\nx\n'.repeat(2)}BDAT 2 LAST\r\nx\n`
  for (const answer of [refuseMessage, () => undefined]) {
    const { events } = play(`EHLO c\r\n${envelope}${chunks}`, answer, { ...settings, limits })
    assert.equal(events.includes('close'), false)
  }
})

test('a session that records its replies returns each with its id, code and text, once', () => {
  const session = new Session(settings, client, { recordReplies: true })
  const run = (bytes: string, own?: HostReply) => {
    session.receive(Buffer.from(bytes))
    while (session.next() !== undefined) session.answer(own)
    const replies = session.takeReplies()
    assert.equal(session.takeOutput(), replies.map(({ text }) => text).join(''))
    return replies
  }
  assert.deepEqual(run(''), [
    { code: 220, id: 'greeting', text: '220 relay.test Relay ESMTP Service ready\r\n' },
  ])
  assert.deepEqual(run(''), [])
  assert.deepEqual(
    run('HELO c\r\nFOO\r\n').map(({ id }) => id),
    ['hello', 'unknownCommand'],
  )
  // The host's own text, in place of the reply that the table has for MAIL.
  assert.deepEqual(run('MAIL FROM:<a@s.test>\r\n', reply(250, '2.1.0', 'Yes')), [
    { code: 250, id: 'senderOk', text: '250 2.1.0 Yes\r\n' },
  ])
  assert.deepEqual(run('RCPT TO:<b@r.test>\r\n', reply(550, '5.1.1', 'No')), [
    { code: 550, id: undefined, text: '550 5.1.1 No\r\n' },
  ])
})

test('a session says why it closes', () => {
  const closes = (
    end: (session: Session) => void,
    answer?: HostReply,
    own: Partial<typeof settings> = {},
  ) => {
    const session = new Session({ ...settings, ...own }, client)
    const reasons: string[] = []
    const run = () => {
      for (let event = session.next(); event !== undefined; event = session.next()) {
        if (event.type === 'close') reasons.push(event.reason)
        session.answer(event.type === 'connect' ? undefined : answer)
      }
    }
    run()
    end(session)
    run()
    return reasons.join()
  }
  const send = (bytes: string) => (session: Session) => session.receive(Buffer.from(bytes))
  assert.equal(closes(send('QUIT\r\n')), 'quit')
  assert.equal(
    closes(session => session.timeout()),
    'timeout',
  )
  assert.equal(
    closes(session => session.drain()),
    'shutdown',
  )
  assert.equal(
    closes(session => session.abort()),
    'shutdown',
  )
  assert.equal(
    closes(session => session.shed()),
    'overload',
  )
  assert.equal(closes(send('GET / HTTP/1.1\r\n')), 'errors')
  assert.equal(closes(send('EHLO c\r\nNOOP\r\nNOOP\r\n'), undefined, { strictPipelining: true }), 'errors')
  assert.equal(closes(send('HELO c\r\nMAIL FROM:<>\r\n'), reply(421, '4.3.2', 'Busy')), 'host')
  for (const refusal of [
    reply(421, '4.3.2', 'Busy'),
    reply(450, '4.3.2', 'Busy'),
    reply(554, '5.7.1', 'No'),
  ]) {
    const { close } = play('QUIT\r\n', ({ type }) => (type === 'connect' ? refusal : undefined))
    assert.equal(close, 'refused', String(refusal.code))
  }
})

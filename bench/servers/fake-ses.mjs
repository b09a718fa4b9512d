// A fake SES with little CPU time, because it shares the cores with the measured server. It reads every request, checks
// only its first parameter, and accepts it. It uses HTTPS with the certificate of the tests.
//
//     node bench/servers/fake-ses.mjs PORT
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const pem = name => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url))
const quotaAction = 'Action=GetSendQuota'
let messages = 0

const server = createServer({ cert: pem('certificate.pem'), key: pem('key.pem') }, (request, response) => {
  let action
  request.on('data', bytes => {
    action ??= bytes.latin1Slice(0, quotaAction.length)
  })
  request.on('end', () => {
    const body = action === quotaAction ? quota() : sent(++messages)
    response.writeHead(200, { 'content-type': 'text/xml', 'content-length': body.length }).end(body)
  })
})
// Keeps the connections of servers that wait for their round.
server.keepAliveTimeout = 300_000
server.listen(Number(process.argv[2]), '127.0.0.1')

process.on('message', message => {
  if (message === 'messages') process.send({ messages })
})

function sent(number) {
  const id = `<MessageId>${String(number).padStart(16, '0')}-bench-000000</MessageId>`
  return answer('SendRawEmail', id)
}

function quota() {
  const numbers = '<Max24HourSend>1000000.0</Max24HourSend><SentLast24Hours>0.0</SentLast24Hours>'
  return answer('GetSendQuota', `${numbers}<MaxSendRate>100000.0</MaxSendRate>`)
}

function answer(action, result) {
  const metadata = '<ResponseMetadata><RequestId>bench</RequestId></ResponseMetadata>'
  const xmlns = 'http://ses.amazonaws.com/doc/2010-12-01/'
  return `<${action}Response xmlns="${xmlns}"><${action}Result>${result}</${action}Result>${metadata}</${action}Response>`
}

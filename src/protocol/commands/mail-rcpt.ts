import { copyOf, isAscii, readPath } from '../grammar.ts'
import { replies } from '../replies.ts'
import type { SessionState } from '../session-state.ts'
import { mailParameters, parameters, rcptParameters } from './parameters.ts'

/** MAIL: a transaction begins with its sender (RFC 5321 section 4.1.1.2). */
export function mail(argument: string, dialogue: SessionState): void {
  const path = address(argument, /^FROM: */i)
  if (path === 'syntax') return dialogue.reject(replies.mailSyntax)
  if (path === 'bad address' || /^postmaster$/i.test(path.address)) return dialogue.reject(replies.badSender)
  const read = parameters(path.rest, mailParameters, dialogue)
  if ('refusal' in read) return dialogue.reject(read.refusal)
  if (!isAscii(path.address) && !read.parameters.has('SMTPUTF8'))
    return dialogue.reject(replies.senderNotAscii)
  const sender = { address: path.address, parameters: read.parameters }
  dialogue.ask({ type: 'sender', ...sender }, replies.senderOk, {
    onAccept: () => {
      dialogue.transaction = { sender, recipients: [], refusedRecipient: false, receiver: undefined }
      dialogue.countPath(sender)
    },
  })
}

/** RCPT: one more recipient (RFC 5321 section 4.1.1.3). */
export function rcpt(argument: string, dialogue: SessionState): void {
  const path = address(argument, /^TO: */i)
  if (path === 'syntax') return dialogue.reject(replies.rcptSyntax)
  if (path === 'bad address' || path.address === '') return dialogue.reject(replies.badRecipient)
  const read = parameters(path.rest, rcptParameters, dialogue)
  if ('refusal' in read) return dialogue.reject(read.refusal)
  const recipient = { address: path.address, parameters: read.parameters }
  const transaction = dialogue.transaction!
  const { sender } = transaction
  if (!isAscii(path.address) && !sender.parameters.has('SMTPUTF8')) {
    return dialogue.reject(replies.recipientNotAscii)
  }
  dialogue.ask({ type: 'recipient', sender: sender.address, ...recipient }, replies.recipientOk, {
    onAccept: () => {
      transaction.recipients.push(recipient)
      dialogue.countPath(recipient)
    },
    onReject: reply => {
      transaction.refusedRecipient = true
      dialogue.reject(reply)
    },
  })
}

function address(argument: string, keyword: RegExp) {
  const [prefix] = keyword.exec(argument) ?? []
  if (prefix === undefined) return 'syntax'
  const text = argument.slice(prefix.length)
  const path = readPath(text)
  if (path === 'not a path') return 'syntax'
  if (path === 'bad address') return path
  const rest = text.slice(path.end)
  return rest === '' || rest[0] === ' ' ? { address: copyOf(path.address, argument), rest } : 'syntax'
}

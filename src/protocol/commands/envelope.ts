import type { Dialogue } from '../dialogue.ts'
import { copyOf, isAscii, readPath } from '../grammar.ts'
import { mailParameters, parameters, rcptParameters } from '../parameters.ts'
import { replies } from '../replies.ts'

/** MAIL: a transaction begins with its sender (RFC 5321 section 4.1.1.2). */
export function mail(argument: string, dialogue: Dialogue): void {
  const path = address(argument, /^FROM: */i)
  if (path === 'syntax') return dialogue.fault(replies.mailSyntax)
  if (path === 'bad address' || /^postmaster$/i.test(path.address)) return dialogue.fault(replies.badSender)
  const read = parameters(path.rest, mailParameters, dialogue)
  if ('refusal' in read) return dialogue.fault(read.refusal)
  if (!isAscii(path.address) && !read.parameters.has('SMTPUTF8'))
    return dialogue.fault(replies.senderNotAscii)
  const sender = { address: path.address, parameters: read.parameters }
  dialogue.ask({ type: 'sender', ...sender }, replies.senderOk, {
    granted: () => {
      dialogue.transaction = { sender, recipients: [], refusedRecipient: false, incoming: undefined }
      dialogue.countPath(sender)
    },
  })
}

/** RCPT: one more recipient (RFC 5321 section 4.1.1.3). */
export function rcpt(argument: string, dialogue: Dialogue): void {
  const path = address(argument, /^TO: */i)
  if (path === 'syntax') return dialogue.fault(replies.rcptSyntax)
  if (path === 'bad address' || path.address === '') return dialogue.fault(replies.badRecipient)
  const read = parameters(path.rest, rcptParameters, dialogue)
  if ('refusal' in read) return dialogue.fault(read.refusal)
  const recipient = { address: path.address, parameters: read.parameters }
  const transaction = dialogue.transaction!
  const { sender } = transaction
  if (!isAscii(path.address) && !sender.parameters.has('SMTPUTF8')) {
    return dialogue.fault(replies.recipientNotAscii)
  }
  dialogue.ask({ type: 'recipient', sender: sender.address, ...recipient }, replies.recipientOk, {
    granted: () => {
      transaction.recipients.push(recipient)
      dialogue.countPath(recipient)
    },
    refused: reply => {
      transaction.refusedRecipient = true
      dialogue.fault(reply)
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

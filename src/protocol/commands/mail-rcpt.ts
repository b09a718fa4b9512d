import { copyOfPart, isAscii, readPath } from '../grammar.ts'
import { replies } from '../replies.ts'
import type { SessionState } from '../session-state.ts'
import { mailParameters, rcptParameters, readAndCheckParameters } from './parameters.ts'

/** MAIL: opens a transaction with its sender (RFC 5321 section 4.1.1.2). */
export function mail(argument: string, state: SessionState): void {
  const path = splitPath(argument, /^FROM: */i)
  if (path === 'syntax') return state.reject(replies.mailSyntax)
  if (path === 'bad address' || /^postmaster$/i.test(path.address)) return state.reject(replies.badSender)
  const read = readAndCheckParameters(path.rest, mailParameters, state)
  if ('refusal' in read) return state.reject(read.refusal)
  if (!isAscii(path.address) && !read.parameters.has('SMTPUTF8')) return state.reject(replies.senderNotAscii)
  const sender = { address: path.address, parameters: read.parameters }
  state.ask({ type: 'sender', ...sender }, replies.senderOk, {
    onAccept: () => {
      state.transaction = { sender, recipients: [], hasRefusedRecipient: false, receiver: undefined }
      state.countPath(sender)
    },
  })
}

/** RCPT: adds a recipient to the transaction (RFC 5321 section 4.1.1.3). */
export function rcpt(argument: string, state: SessionState): void {
  const path = splitPath(argument, /^TO: */i)
  if (path === 'syntax') return state.reject(replies.rcptSyntax)
  if (path === 'bad address' || path.address === '') return state.reject(replies.badRecipient)
  const read = readAndCheckParameters(path.rest, rcptParameters, state)
  if ('refusal' in read) return state.reject(read.refusal)
  const recipient = { address: path.address, parameters: read.parameters }
  const transaction = state.transaction!
  const { sender } = transaction
  if (!isAscii(path.address) && !sender.parameters.has('SMTPUTF8')) {
    return state.reject(replies.recipientNotAscii)
  }
  state.ask({ type: 'recipient', sender: sender.address, ...recipient }, replies.recipientOk, {
    onAccept: () => {
      transaction.recipients.push(recipient)
      state.countPath(recipient)
    },
    onReject: reply => {
      transaction.hasRefusedRecipient = true
      state.reject(reply)
    },
  })
}

/** Splits an argument such as `FROM:<address> parameters` into the address and the text after it. */
function splitPath(argument: string, keyword: RegExp) {
  const [prefix] = keyword.exec(argument) ?? []
  if (prefix === undefined) return 'syntax'
  const text = argument.slice(prefix.length)
  const path = readPath(text)
  if (path === 'not a path') return 'syntax'
  if (path === 'bad address') return path
  const rest = text.slice(path.end)
  return rest === '' || rest[0] === ' ' ? { address: copyOfPart(path.address, argument), rest } : 'syntax'
}

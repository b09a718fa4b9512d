import { AddressList, accessControl } from '../../src/auth/index.ts'
import { type Reply, replies } from '../../src/protocol/index.ts'
import { errorTable, filter } from '../../src/relay/index.ts'

/** Returns all replies of the engine and of its hosts. Variable parts are a star. */
export function everyReply(): readonly Reply[] {
  type Sentence = Reply | ((...words: readonly string[][]) => Reply)
  const engine = (Object.values(replies) as Sentence[]).map(sentence =>
    typeof sentence === 'function' ? sentence(['*'], ['*'], ['*']) : sentence,
  )
  const client = { address: '192.0.2.1', name: 'x', extended: true, secure: true, user: undefined }
  const path = { address: 'a@example.org', parameters: new Map() }
  const { sender, recipient } = filter({ allowFrom: () => false, denyTo: () => true }, () => {})
  const { connect } = accessControl({ addresses: new AddressList('::1') })
  const hosts = [
    sender({ type: 'sender', ...path }, client),
    recipient({ type: 'recipient', sender: '', ...path }, client),
    connect?.(client),
  ]
  return [...engine, ...(hosts as Reply[]), ...errorTable.map(({ reply }) => reply)]
}

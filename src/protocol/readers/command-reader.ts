import { firstViolated } from '../commands/preconditions.ts'
import { commands } from '../commands/table.ts'
import { copyOfPart, isAscii, readUtf8 } from '../grammar.ts'
import type { LineError } from '../input-buffer.ts'
import { replies } from '../replies.ts'
import type { Reader, SessionState } from '../session-state.ts'

/** The first byte of a TLS handshake record (RFC 8446 section 5.1); no command begins with it. */
const tlsHandshake = 0x16

/** Reads commands, one line each. */
export const commandReader: Reader = {
  canCloseHere: true,
  read(input, state) {
    if (!state.secure && input.firstByteOfLine === tlsHandshake) {
      state.close('errors', replies.tlsBeforeStarttls)
      return true
    }
    const { commandLineBytes, discardedLineBytes } = state.settings.limits
    const line = input.readLine(commandLineBytes, discardedLineBytes)
    if (line === undefined) return false
    if (typeof line === 'string') rejectLine(line, state)
    else execute(line, state)
    return true
  },
}

function rejectLine(error: LineError, state: SessionState): void {
  if (error === 'unterminated') state.close('errors', replies.unterminatedLine)
  else if (error === 'too long') state.reject(replies.lineTooLong)
  else if (error === 'bare newline') state.reject(replies.bareNewline)
}

function execute(line: Buffer, state: SessionState): void {
  state.countCommand()
  const latin1 = line.toString('latin1')
  const ascii = isAscii(latin1)
  const text = ascii ? latin1 : readUtf8(line)
  if (text === undefined) return state.reject(replies.notUtf8)
  const [verb, argument] = split(text)
  if (verb === '') return state.reject(replies.noCommand)
  const command = isAscii(verb) ? commands.get(verb.toUpperCase()) : undefined
  state.mustWaitForReply = !(state.extended && command?.pipelined)
  if (command === undefined) return state.reject(replies.unknownCommand)
  if (!ascii && !command.allowsUtf8) return state.reject(replies.notAscii)
  const violated = firstViolated(command.preconditions, state)
  if (violated !== undefined) return state.reject(violated)
  if (command.noArgument && argument !== '') return state.reject(replies.noArgument)
  if (command.countsAsJunk) state.countJunkCommand()
  if (!state.closed) command.handle(argument, state)
}

/** Splits a line into verb and argument. Only spaces separate (RFC 5321 section 4.1.1); trailing ones are ignored. */
function split(line: string): [verb: string, argument: string] {
  let end = line.length
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--
  const space = line.indexOf(' ')
  if (space < 0 || space >= end) return [line.slice(0, end), '']
  let start = space
  while (line[start] === ' ') start++
  return [line.slice(0, space), copyOfPart(line.slice(start, end), line)]
}

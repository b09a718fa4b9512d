import { firstViolated } from '../commands/preconditions.ts'
import { commands } from '../commands/table.ts'
import { copyOf, isAscii, readUtf8 } from '../grammar.ts'
import type { LineError } from '../input-buffer.ts'
import { replies } from '../replies.ts'
import type { SessionState } from '../session-state.ts'
import type { Reader } from './reader.ts'

/** The first byte of a TLS handshake record (RFC 8446 section 5.1); no command begins with it. */
const tlsHandshake = 0x16

/** Commands are read, one line each. */
export const commandReader: Reader = {
  canCloseHere: true,
  read(input, dialogue) {
    if (!dialogue.secure && input.firstByteOfLine === tlsHandshake) {
      dialogue.close(replies.tlsBeforeStarttls)
      return true
    }
    const { commandLineBytes, discardedLineBytes } = dialogue.settings.limits
    const line = input.readLine(commandLineBytes, discardedLineBytes)
    if (line === undefined) return false
    if (typeof line === 'string') rejectLine(line, dialogue)
    else execute(line, dialogue)
    return true
  },
}

function rejectLine(fault: LineError, dialogue: SessionState): void {
  if (fault === 'endless') dialogue.close(replies.endlessLine)
  else if (fault === 'too long') dialogue.reject(replies.lineTooLong)
  else if (fault === 'bare newline') dialogue.reject(replies.bareNewline)
}

function execute(line: Buffer, dialogue: SessionState): void {
  dialogue.countCommand()
  const latin1 = line.toString('latin1')
  const ascii = isAscii(latin1)
  const text = ascii ? latin1 : readUtf8(line)
  if (text === undefined) return dialogue.reject(replies.notUtf8)
  const [verb, argument] = split(text)
  if (verb === '') return dialogue.reject(replies.noCommand)
  const command = isAscii(verb) ? commands.get(verb.toUpperCase()) : undefined
  dialogue.mustWaitForReply = !(dialogue.extended && command?.pipelined)
  if (command === undefined) return dialogue.reject(replies.unknownCommand)
  if (!ascii && !command.allowsUtf8) return dialogue.reject(replies.notAscii)
  const unmet = firstViolated(command.preconditions, dialogue)
  if (unmet !== undefined) return dialogue.reject(unmet)
  if (command.noArgument && argument !== '') return dialogue.reject(replies.noArgument)
  if (command.countsAsJunk) dialogue.countJunkCommand()
  if (!dialogue.closed) command.handle(argument, dialogue)
}

/** The verb and what follows it; only spaces separate (RFC 5321 section 4.1.1), and those at the end do not count. */
function split(line: string): [verb: string, argument: string] {
  let end = line.length
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--
  const space = line.indexOf(' ')
  if (space < 0 || space >= end) return [line.slice(0, end), '']
  let start = space
  while (line[start] === ' ') start++
  return [line.slice(0, space), copyOf(line.slice(start, end), line)]
}

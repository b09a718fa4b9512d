import { commands } from '../commands.ts'
import type { Dialogue } from '../dialogue.ts'
import { copyOf, isAscii, readUtf8 } from '../grammar.ts'
import type { LineFault } from '../input.ts'
import type { Mode } from '../mode.ts'
import { firstUnmet } from '../needs.ts'
import { replies } from '../replies.ts'

/** The first byte of a TLS handshake record (RFC 8446 section 5.1); no command begins with it. */
const tlsHandshake = 0x16

/** Commands are read, one line each. */
export const commandMode: Mode = {
  isIdle: true,
  read(input, dialogue) {
    if (!dialogue.secure && input.firstOfLine === tlsHandshake) {
      dialogue.close(replies.tlsBeforeStarttls)
      return true
    }
    const { commandBytes, skippedBytes } = dialogue.settings.limits
    const line = input.readLine(commandBytes, skippedBytes)
    if (line === undefined) return false
    if (typeof line === 'string') refuse(line, dialogue)
    else obey(line, dialogue)
    return true
  },
}

function refuse(fault: LineFault, dialogue: Dialogue): void {
  if (fault === 'endless') dialogue.close(replies.endlessLine)
  else if (fault === 'too long') dialogue.fault(replies.lineTooLong)
  else if (fault === 'bare newline') dialogue.fault(replies.bareNewline)
}

function obey(line: Buffer, dialogue: Dialogue): void {
  dialogue.countCommand()
  const latin1 = line.toString('latin1')
  const ascii = isAscii(latin1)
  const text = ascii ? latin1 : readUtf8(line)
  if (text === undefined) return dialogue.fault(replies.notUtf8)
  const [verb, argument] = split(text)
  if (verb === '') return dialogue.fault(replies.noCommand)
  const command = isAscii(verb) ? commands.get(verb.toUpperCase()) : undefined
  dialogue.awaited = !(dialogue.extended && command?.grouped)
  if (command === undefined) return dialogue.fault(replies.unknownCommand)
  if (!ascii && !command.utf8) return dialogue.fault(replies.notAscii)
  const unmet = firstUnmet(command.needs, dialogue)
  if (unmet !== undefined) return dialogue.fault(unmet)
  if (command.bare && argument !== '') return dialogue.fault(replies.noArgument)
  if (command.idle) dialogue.countIdle()
  if (!dialogue.closed) command.act(argument, dialogue)
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

import { type DriverEvent, isDriverEvent, isIgnored, isServerLine, type Line } from './line.ts'
import type { Transcript } from './notation.ts'

/** What a step begins with: the connection itself, a chunk of client bytes, or an event that the driver reports. */
type Trigger = { readonly type: 'start' } | { readonly type: 'chunk'; readonly bytes: Buffer } | DriverEvent

/** One turn of the dialogue: a trigger, and everything that the server does in response. */
export interface TranscriptStep {
  readonly trigger: Trigger
  /** The trigger as the author wrote it, with the comments before and between its lines. */
  readonly triggerLines: readonly Line[]
  /** What the server does in response, with the host's answers and the comments between. */
  readonly serverLines: readonly Line[]
}

/**
 * Splits a transcript into steps. Consecutive client lines are one chunk, even with comments and blank lines between
 * them. A transcript that begins with a client line has no step `start`: its client sends before the greeting.
 */
export function stepsOf(transcript: Transcript): TranscriptStep[] {
  const steps: { trigger: Trigger; triggerLines: Line[]; serverLines: Line[]; chunk: Buffer[] }[] = []
  let pending: Line[] = []
  const begin = (trigger: Trigger, line: Line[]) => {
    steps.push({ trigger, triggerLines: [...pending, ...line], serverLines: [], chunk: [] })
    pending = []
  }
  for (const line of transcript.lines) {
    const step = steps.at(-1)
    if (isIgnored(line) || line.type === 'split') pending.push(line)
    else if (isServerLine(line) || line.type === 'answer') {
      if (step === undefined) begin({ type: 'start' }, [])
      steps.at(-1)!.serverLines.push(...pending.splice(0), line)
    } else if (line.type === 'client') {
      const continues = step?.chunk.length && step.serverLines.length === 0 && !pending.some(isSplit)
      if (continues) step.triggerLines.push(...pending.splice(0), line)
      else begin({ type: 'chunk', bytes: line.bytes }, [line])
      steps.at(-1)!.chunk.push(line.bytes)
    } else if (isDriverEvent(line)) {
      if (step === undefined) begin({ type: 'start' }, [])
      begin(line, [line])
    }
  }
  steps.at(-1)?.serverLines.push(...pending)
  return steps.map(({ trigger, triggerLines, serverLines, chunk }) => ({
    trigger: trigger.type === 'chunk' ? { type: 'chunk', bytes: Buffer.concat(chunk) } : trigger,
    triggerLines,
    serverLines,
  }))
}

/**
 * Returns a step's lines after it was played: the author's lines unchanged, `played` in place of the server's.
 * A comment keeps its place before the server line with the same number.
 */
export function mergeLines(step: TranscriptStep, played: readonly Line[]): Line[] {
  const lines = [...step.triggerLines]
  const total = step.serverLines.filter(line => !isIgnored(line)).length
  let seen = 0
  for (const line of step.serverLines) {
    if (isIgnored(line)) {
      // Lines beyond the expected ones go before a comment that follows the last expected line.
      for (; seen >= total && seen < played.length; seen++) lines.push(played[seen]!)
      lines.push(line)
    } else {
      if (seen < played.length) lines.push(played[seen]!)
      seen += 1
    }
  }
  return [...lines, ...played.slice(seen)]
}

function isSplit(line: Line): boolean {
  return line.type === 'split'
}

import { type Happening, isHappening, isServers, isSilent, type Line } from './line.ts'
import type { Transcript } from './notation.ts'

/** What sets the server going: a chunk of bytes, something in the world around, or its being there at all. */
type Cue = { readonly type: 'start' } | { readonly type: 'chunk'; readonly bytes: Buffer } | Happening

/** One turn of the dialogue. */
export interface Step {
  readonly cue: Cue
  /** The cue as its author wrote it, with the remarks before and between. */
  readonly lead: readonly Line[]
  /** What the server did then, with the host's answers and remarks between. */
  readonly outcome: readonly Line[]
}

/**
 * Cuts a transcript into steps. Consecutive client lines are one chunk, whatever remarks and blank lines stand
 * between them. One that begins with a client line has no step `start`: its client speaks before it is greeted.
 */
export function stepsOf(transcript: Transcript): Step[] {
  const steps: { cue: Cue; lead: Line[]; outcome: Line[]; chunk: Buffer[] }[] = []
  let waiting: Line[] = []
  const begin = (cue: Cue, line: Line[]) => {
    steps.push({ cue, lead: [...waiting, ...line], outcome: [], chunk: [] })
    waiting = []
  }
  for (const line of transcript.lines) {
    const step = steps.at(-1)
    if (isSilent(line) || line.type === 'split') waiting.push(line)
    else if (isServers(line) || line.type === 'answer') {
      if (step === undefined) begin({ type: 'start' }, [])
      steps.at(-1)!.outcome.push(...waiting.splice(0), line)
    } else if (line.type === 'client') {
      const continues = step?.chunk.length && step.outcome.length === 0 && !waiting.some(isSplit)
      if (continues) step.lead.push(...waiting.splice(0), line)
      else begin({ type: 'chunk', bytes: line.bytes }, [line])
      steps.at(-1)!.chunk.push(line.bytes)
    } else if (isHappening(line)) {
      if (step === undefined) begin({ type: 'start' }, [])
      begin(line, [line])
    }
  }
  steps.at(-1)?.outcome.push(...waiting)
  return steps.map(({ cue, lead, outcome, chunk }) => ({
    cue: cue.type === 'chunk' ? { type: 'chunk', bytes: Buffer.concat(chunk) } : cue,
    lead,
    outcome,
  }))
}

/**
 * A step's lines after it was played: the author's as they were, `played` in place of what the server did.
 * A remark stays before the line, counted from the first, that it stood before.
 */
export function linesAfter(step: Step, played: readonly Line[]): Line[] {
  const lines = [...step.lead]
  const total = step.outcome.filter(line => !isSilent(line)).length
  let seen = 0
  for (const line of step.outcome) {
    if (isSilent(line)) {
      // Behind the last line stands all that came besides.
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

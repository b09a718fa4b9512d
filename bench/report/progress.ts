import { clock } from '../../src/support/progress.ts'
import { TerminalLine } from '../../src/support/terminal-line.ts'

/** Shows what is running and about how much time is left. */
export interface Progress {
  /** Starts a step. @param seconds its expected duration */
  begin(what: string, seconds: number): void
  /** Shows a detail of the running step. */
  detail(what: string): void
  end(): void
}

/** Shows one changing line on a terminal, else a line for each step. @param seconds expected duration of all steps */
export function progressOn(stream: NodeJS.WriteStream, seconds: number): Progress {
  const line = new TerminalLine(stream)
  const ticks = stream.isTTY ? setInterval(draw, 1000).unref() : undefined
  let what = ''
  let leftBefore = seconds
  let expected = 0
  let startedAt = performance.now()

  function draw(): void {
    const spent = (performance.now() - startedAt) / 1000
    const left = Math.max(1, leftBefore - Math.min(spent, expected))
    line.show(`${clock(1000 * left)} left  ${what}`)
  }

  function begin(next: string, nextSeconds: number): void {
    leftBefore -= expected
    expected = nextSeconds
    startedAt = performance.now()
    what = next
    if (stream.isTTY) draw()
    else stream.write(`${next}, about ${clock(1000 * leftBefore)} left\n`)
  }

  function detail(next: string): void {
    what = next
    draw()
  }

  function end(): void {
    clearInterval(ticks)
    line.clear()
  }

  return { begin, detail, end }
}

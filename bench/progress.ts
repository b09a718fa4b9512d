import { clock } from '../src/support/progress.ts'
import { TerminalLine } from '../src/support/terminal-line.ts'

/** Says what is running, and about how long it all takes still. */
export interface Progress {
  /** @param seconds that this will probably take */
  begin(what: string, seconds: number): void
  /** Something more exact about what is running. */
  tell(what: string): void
  end(): void
}

/** On a terminal one line that changes; elsewhere a line for each thing that begins. @param seconds in all */
export function progressOn(stream: NodeJS.WriteStream, seconds: number): Progress {
  const line = new TerminalLine(stream)
  const ticks = stream.isTTY ? setInterval(draw, 1000).unref() : undefined
  let what = ''
  let leftBefore = seconds
  let expected = 0
  let begun = performance.now()

  function draw(): void {
    const spent = (performance.now() - begun) / 1000
    const left = Math.max(1, leftBefore - Math.min(spent, expected))
    line.show(`${clock(1000 * left)} left  ${what}`)
  }

  function begin(next: string, nextSeconds: number): void {
    leftBefore -= expected
    expected = nextSeconds
    begun = performance.now()
    what = next
    if (stream.isTTY) draw()
    else stream.write(`${next}, about ${clock(1000 * leftBefore)} left\n`)
  }

  function tell(next: string): void {
    what = next
    draw()
  }

  function end(): void {
    clearInterval(ticks)
    line.clear()
  }

  return { begin, tell, end }
}

import type { Readable } from 'node:stream'
import { within } from './deadline.ts'

/** Collects the lines of a stream. */
export class Lines {
  readonly all: string[] = []
  /** Resolves when the stream has ended. */
  readonly ended: Promise<void>
  #rest = ''
  #watchers: (() => void)[] = []

  constructor(stream: Readable) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => this.#add(text))
    this.ended = new Promise(resolve => stream.once('close', () => resolve(this.#end())))
  }

  /** Resolves with the first line that matches, now or later. @param after number of lines to skip */
  async find(pattern: RegExp, after = 0): Promise<string> {
    const found = new Promise<string>(resolve => {
      const look = () => {
        const line = this.all.slice(after).find(line => pattern.test(line))
        if (line === undefined) this.#watchers.push(look)
        else resolve(line)
      }
      look()
    })
    return within(found, `a line like ${pattern}`, () => `there was ${JSON.stringify(this.all)}`)
  }

  #add(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()!
    this.all.push(...lines)
    for (const look of this.#watchers.splice(0)) look()
  }

  #end(): void {
    if (this.#rest !== '') this.#add('\n')
  }
}

/** What the workers write and report, made one output. */
import type { Readable } from 'node:stream'

/**
 * Passes on whole lines, several at once if they arrive together. If the processes wrote to one pipe themselves, they would
 * cut each other's lines: the kernel keeps only 4096 bytes together (PIPE_BUF), and the line of a message to many
 * recipients is longer. Resolves when the stream has ended.
 * @param write called with text that ends with a newline, even if a process has ended in the middle of its last line
 */
export function passLines(from: Readable, write: (lines: string) => void): Promise<void> {
  let unfinished = ''
  from.setEncoding('utf8')
  from.on('data', (text: string) => {
    const end = text.lastIndexOf('\n') + 1
    if (end > 0) write(unfinished + text.slice(0, end))
    unfinished = (end > 0 ? '' : unfinished) + text.slice(end)
  })
  return new Promise(resolve => {
    from.on('close', () => {
      if (unfinished !== '') write(`${unfinished}\n`)
      resolve()
    })
  })
}

/** Milliseconds within which all workers notice the same thing: they check files every 5 seconds. */
const duplicateMs = 15_000

/**
 * Returns a function that passes on the notices of several workers, each text once. A text is passed on again if a worker
 * repeats its own, or after 15 seconds.
 * @param now milliseconds, as of `performance.now`
 */
export function dedupe(
  write: (text: string) => void,
  now = () => performance.now(),
): (text: string, worker: number) => void {
  const recent = new Map<string, { readonly at: number; readonly workers: Set<number> }>()
  return (text, worker) => {
    for (const [old, { at }] of recent) if (now() - at > duplicateMs) recent.delete(old)
    const known = recent.get(text)
    if (known !== undefined && !known.workers.has(worker)) return void known.workers.add(worker)
    recent.set(text, { at: now(), workers: new Set([worker]) })
    write(text)
  }
}

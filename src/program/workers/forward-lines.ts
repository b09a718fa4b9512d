import type { Readable } from 'node:stream'

/**
 * Passes on whole lines, several at once where they come together. Processes that wrote to one pipe themselves would cut
 * each other's lines: the kernel keeps only 4096 bytes together (PIPE_BUF), and a mail for many has a longer one.
 * Resolves when the stream has ended.
 * @param write hears text that ends with a newline; what a dead process left of its last line gets one, too
 */
export function passLines(from: Readable, write: (lines: string) => void): Promise<void> {
  let begun = ''
  from.setEncoding('utf8')
  from.on('data', (text: string) => {
    const end = text.lastIndexOf('\n') + 1
    if (end > 0) write(begun + text.slice(0, end))
    begun = (end > 0 ? '' : begun) + text.slice(end)
  })
  return new Promise(resolve => {
    from.on('close', () => {
      if (begun !== '') write(`${begun}\n`)
      resolve()
    })
  })
}

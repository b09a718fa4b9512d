import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A message in a Maildir. */
export interface StoredMessage {
  readonly name: string
  /** The Received header that this server added, with its last CRLF. */
  readonly received: string
  /** The rest of the file: what the client sent. */
  readonly content: Buffer
}

/** Returns the messages in `new`, in no particular order. Returns none if the Maildir does not exist yet. */
export async function storedMessages(maildir: string): Promise<StoredMessage[]> {
  const folder = join(maildir, 'new')
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return Promise.all(
    names.map(async name => ({ name, ...splitReceived(await readFile(join(folder, name))) })),
  )
}

/** Splits a message after its first header, continuation lines included. */
export function splitReceived(file: Buffer): { received: string; content: Buffer } {
  let end = 0
  do {
    end = file.indexOf('\r\n', end)
    if (end < 0) return { received: '', content: file }
    end += 2
  } while (file[end] === 0x09)
  const received = file.toString('latin1', 0, end)
  if (!received.startsWith('Received: from ')) return { received: '', content: file }
  return { received, content: file.subarray(end) }
}

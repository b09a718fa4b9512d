import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DirectorySync, type Files, makeDirectory } from './directory-sync.ts'
import type { Message, Receipt, Relay } from '../relay.ts'

/** Drafts older than this are of no living process (https://cr.yp.to/proto/maildir.html). */
const abandonedAfterMs = 36 * 60 * 60 * 1000
/** Messages that are written at once, each to an open file; the others wait. Node.js has four threads for files. */
export const maildirDeliveries = 256
/** Buffers given to one write; the kernel takes 1024 at most (IOV_MAX). */
const buffersPerWrite = 512

/**
 * Opens the Maildir at `path` for delivery, making it where it is missing, and clears away drafts that a crash left.
 * A mail is acknowledged when its bytes and its name in `new` are on disk. Rejects with the file system's error.
 * @param host the end of every file's name
 */
export async function maildir(path: string, files: Files = fs, host = hostname()): Promise<Relay> {
  const drafts = join(path, 'tmp')
  const inbox = join(path, 'new')
  for (const directory of [drafts, inbox, join(path, 'cur')]) await makeDirectory(files, directory)
  await clearAbandoned(files, drafts)
  const names = new DirectorySync(files, inbox)
  const suffix = host.replace(/[^A-Za-z0-9._-]/g, octal)

  async function send(mail: Message): Promise<Receipt> {
    const name = `${uniqueName()}.${suffix}`
    const draft = join(drafts, name)
    const file = join(inbox, name)
    const handle = await files.open(draft, 'wx', 0o600)
    try {
      try {
        await writeAll(handle, mail.content)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await files.rename(draft, file)
      await names.sync()
      return { messageId: name }
    } catch (error) {
      // The client hears of the failure and sends the message again, so this copy must not stay. It may have either name:
      // on a network file system, a rename can report an error although it was done.
      for (const copy of [draft, file]) await files.unlink(copy).catch(() => undefined)
      throw error
    }
  }

  return {
    name: 'maildir',
    maxMessageBytes: 40 * 1024 * 1024,
    maxConcurrentCalls: maildirDeliveries,
    takesUtf8: true,
    takesBinary: true,
    send,
  }
}

async function writeAll(handle: fs.FileHandle, content: Iterable<Buffer>): Promise<void> {
  const parts = [...content]
  for (let first = 0; first < parts.length; ) {
    let { bytesWritten: written } = await handle.writev(parts.slice(first, first + buffersPerWrite))
    if (written === 0 && parts[first]!.length > 0) {
      throw Object.assign(new Error('the file takes no more bytes'), { code: 'EIO' })
    }
    // The disk may take less than it was given: what is left goes first next time.
    while (first < parts.length && written >= parts[first]!.length) written -= parts[first++]!.length
    if (written > 0) parts[first] = parts[first]!.subarray(written)
  }
}

let delivered = 0

/**
 * A name that no other delivery has, after https://cr.yp.to/proto/maildir.html: seconds, then microseconds, process,
 * counter and random digits (in containers every process is number 1); the host goes behind it.
 */
function uniqueName(): string {
  const microseconds = Math.floor((performance.timeOrigin + performance.now()) * 1000)
  const seconds = Math.floor(microseconds / 1_000_000)
  const random = randomBytes(8).toString('hex')
  return `${seconds}.M${microseconds % 1_000_000}P${process.pid}Q${++delivered}R${random}`
}

function octal(character: string): string {
  return [...Buffer.from(character)].map(byte => `\\${byte.toString(8).padStart(3, '0')}`).join('')
}

async function clearAbandoned(files: Files, drafts: string): Promise<void> {
  for (const name of await files.readdir(drafts)) {
    const file = join(drafts, name)
    try {
      const entry = await files.lstat(file)
      if (entry.isFile() && Date.now() - entry.mtimeMs > abandonedAfterMs) await files.unlink(file)
    } catch {
      // Somebody else cleared it, or may: it is in nobody's way.
    }
  }
}

import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DirectorySync, type Files, makeDirectory } from './directory-sync.ts'
import type { Message, Receipt, Relay } from '../relay.ts'

/** Files in `tmp` that are older belong to no running process (https://cr.yp.to/proto/maildir.html). */
const staleAfterMs = 36 * 60 * 60 * 1000
/** The most messages that are written at the same time, each to an open file. Node.js has four threads for files. */
export const maildirDeliveries = 256
/** The most Buffers in one write. The kernel accepts at most 1024 (IOV_MAX). */
const buffersPerWrite = 512

/**
 * Creates a backend that delivers to the Maildir at `path`. Creates the Maildir if it is missing, and removes files in `tmp`
 * that were left by a crash. A message is acknowledged when its bytes and its name in `new` are on disk.
 * @param host the end of every file name
 * @throws the error of the file system
 */
export async function maildir(path: string, files: Files = fs, host = hostname()): Promise<Relay> {
  const drafts = join(path, 'tmp')
  const inbox = join(path, 'new')
  for (const directory of [drafts, inbox, join(path, 'cur')]) await makeDirectory(files, directory)
  await removeStaleDrafts(files, drafts)
  const names = new DirectorySync(files, inbox)
  const suffix = host.replace(/[^A-Za-z0-9._-]/g, octal)

  async function send(message: Message): Promise<Receipt> {
    const name = `${uniqueName()}.${suffix}`
    const draft = join(drafts, name)
    const file = join(inbox, name)
    const handle = await files.open(draft, 'wx', 0o600)
    try {
      try {
        await writeAll(handle, message.content)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await files.rename(draft, file)
      await names.sync()
      return { messageId: name }
    } catch (error) {
      // The client gets an error and sends the message again, so this copy must not stay. It may have either name: on a network
      // file system, a rename can report an error although it was done.
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
    let { bytesWritten: remaining } = await handle.writev(parts.slice(first, first + buffersPerWrite))
    if (remaining === 0 && parts[first]!.length > 0) {
      throw Object.assign(new Error('the file accepts no more bytes'), { code: 'EIO' })
    }
    // The disk may accept only a part. The rest is written first next time.
    while (first < parts.length && remaining >= parts[first]!.length) remaining -= parts[first++]!.length
    if (remaining > 0) parts[first] = parts[first]!.subarray(remaining)
  }
}

let delivered = 0

/**
 * Returns a name that no other delivery has, as in https://cr.yp.to/proto/maildir.html: seconds, microseconds, process,
 * counter and random digits (in containers every process is number 1). The host is added after it.
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

async function removeStaleDrafts(files: Files, drafts: string): Promise<void> {
  for (const name of await files.readdir(drafts)) {
    const file = join(drafts, name)
    try {
      const entry = await files.lstat(file)
      if (entry.isFile() && Date.now() - entry.mtimeMs > staleAfterMs) await files.unlink(file)
    } catch {
      // Another process has removed it, or this one may not. An old file does no harm.
    }
  }
}

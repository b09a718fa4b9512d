import assert from 'node:assert/strict'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DirectorySync, type Files, makeDirectory } from '../../src/relay/maildir/directory-sync.ts'
import { maildir } from '../../src/relay/maildir/maildir.ts'

test('a message is on disk before it has its name, and its name is on disk before it is acknowledged', async t => {
  const path = await fs.mkdtemp(join(tmpdir(), 'maildir-'))
  t.after(() => fs.rm(path, { recursive: true }))
  const steps: string[] = []
  const relay = await maildir(
    path,
    telling(step => steps.push(step.replace(path, ''))),
  )
  steps.length = 0
  const content = [Buffer.from('a'), Buffer.from('b')]
  const { messageId } = await relay.send({
    id: '',
    sender: '',
    recipients: ['b@x'],
    content,
    headerBytes: 1,
    size: 2,
  })
  assert.deepEqual(
    steps.map(step => step.replaceAll(messageId!, 'MAIL')),
    [
      'open /tmp/MAIL',
      'write /tmp/MAIL',
      'sync /tmp/MAIL',
      'close /tmp/MAIL',
      'rename /tmp/MAIL',
      'open /new',
      'sync /new',
      'close /new',
    ],
  )
})

test('each parent of a directory that was created is synced', async t => {
  const path = await fs.mkdtemp(join(tmpdir(), 'maildir-'))
  t.after(() => fs.rm(path, { recursive: true }))
  const synced: string[] = []
  const files = telling(step => step.startsWith('sync') && synced.push(step.replace(path, '')))
  await makeDirectory(files, join(path, 'a', 'b', 'c'))
  assert.deepEqual(synced.sort(), ['sync ', 'sync /a', 'sync /a/b'])
  synced.length = 0
  await makeDirectory(files, join(path, 'a', 'b', 'c'))
  assert.deepEqual(synced, [])
})

test('a sync that began before a name existed does not count for the name', async () => {
  const { files, syncs } = held()
  const names = new DirectorySync(files, '/inbox')
  const done: string[] = []
  const first = names.sync().then(() => done.push('first'))
  await turn()
  const others = [names.sync(), names.sync()].map(sync => sync.then(() => done.push('other')))
  await turn()
  assert.equal(syncs.length, 1)
  syncs[0]!.resolve()
  await first
  await turn()
  assert.deepEqual(done, ['first'])
  assert.equal(syncs.length, 2)
  syncs[1]!.resolve()
  await Promise.all(others)
  assert.equal(syncs.length, 2)
})

test('a sync that fails fails those that waited for it, and not the next ones', async () => {
  const { files, syncs } = held()
  const names = new DirectorySync(files, '/inbox')
  const first = names.sync()
  const second = names.sync()
  await turn()
  syncs[0]!.reject(new Error('EIO'))
  await assert.rejects(first, { message: 'EIO' })
  await turn()
  syncs[1]!.resolve()
  await second
  const third = names.sync()
  await turn()
  syncs[2]!.resolve()
  await third
})

/** The file system, and what was asked of it. */
function telling(tell: (step: string) => void): Files {
  const open: typeof fs.open = async (path, flags, mode) => {
    tell(`open ${path}`)
    const handle = await fs.open(path, flags, mode)
    const { writev, sync, close } = handle
    handle.writev = async (...given) => {
      tell(`write ${path}`)
      return writev.apply(handle, given) as never
    }
    handle.sync = async () => {
      tell(`sync ${path}`)
      await sync.call(handle)
    }
    handle.close = async () => {
      tell(`close ${path}`)
      await close.call(handle)
    }
    return handle
  }
  const rename: typeof fs.rename = async (from, to) => {
    tell(`rename ${from}`)
    await fs.rename(from, to)
  }
  return { ...fs, open, rename }
}

/** A file system whose syncs end when the test says so. */
function held() {
  const syncs: { resolve: () => void; reject: (error: Error) => void }[] = []
  const sync = () => new Promise<void>((resolve, reject) => syncs.push({ resolve, reject }))
  const open = async () => ({ sync, close: async () => undefined }) as unknown as fs.FileHandle
  return { files: { ...fs, open }, syncs }
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

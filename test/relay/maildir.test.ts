import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { DeliveryAgent } from '../../src/relay/delivery.ts'
import { classify } from '../../src/relay/errors/delivery-failure.ts'
import type { Files } from '../../src/relay/maildir/directory-sync.ts'
import { maildir, maildirDeliveries } from '../../src/relay/maildir/maildir.ts'
import type { Message } from '../../src/relay/relay.ts'

test('a message is one file in new, byte for byte', async t => {
  const path = await place(t)
  const relay = await maildir(path)
  const content = [Buffer.from('Received: x\r\n'), Buffer.from([0, 255, 10, 13]), Buffer.from('end')]
  const { messageId } = await relay.send(mail(content))
  assert.deepEqual(await fs.readdir(join(path, 'new')), [messageId])
  assert.deepEqual(await fs.readFile(join(path, 'new', messageId!)), Buffer.concat(content))
  assert.deepEqual(await fs.readdir(join(path, 'tmp')), [])
})

test('only the owner can read directories and messages', async t => {
  const path = await place(t)
  const { messageId } = await (await maildir(path)).send(mail([Buffer.from('x')]))
  for (const directory of ['.', 'tmp', 'new', 'cur']) {
    assert.equal((await fs.stat(join(path, directory))).mode & 0o777, 0o700)
  }
  assert.equal((await fs.stat(join(path, 'new', messageId!))).mode & 0o777, 0o600)
})

test('names follow the Maildir specification', async t => {
  const { messageId } = await (await maildir(await place(t))).send(mail([]))
  assert.match(messageId!, /^\d{10}\.M\d{1,6}P\d+Q\d+R[0-9a-f]{16}\.[^/:]+$/)
})

test('characters that a file name may not contain are written as octal digits in the host name', async t => {
  const { messageId } = await (await maildir(await place(t), fs, 'a/b:c.é')).send(mail([]))
  assert.ok(messageId!.endsWith('.a\\057b\\072c.\\303\\251'), messageId)
})

test('30 MB in many pieces arrive complete', async t => {
  const path = await place(t)
  const piece = randomBytes(10_000)
  const content = Array.from({ length: 3000 }, (_, n) => piece.subarray(n % 7))
  const { messageId } = await (await maildir(path)).send(mail(content))
  const stored = await fs.readFile(join(path, 'new', messageId!))
  assert.ok(stored.equals(Buffer.concat(content)))
})

test('a thousand deliveries at the same time are a thousand messages', async t => {
  const path = await place(t)
  const relay = await maildir(path)
  const receipts = await Promise.all(
    Array.from({ length: 1000 }, (_, n) => relay.send(mail([Buffer.from(`mail ${n}`)]))),
  )
  const names = receipts.map(({ messageId }) => messageId!)
  assert.equal(new Set(names).size, 1000)
  assert.deepEqual((await fs.readdir(join(path, 'new'))).sort(), names.sort())
  assert.deepEqual(await fs.readdir(join(path, 'tmp')), [])
})

test('at most 256 files are open at the same time, and all messages arrive', async t => {
  const path = await place(t)
  let open = 0
  let most = 0
  const files: Files = {
    ...fs,
    async open(file, flags, mode) {
      const handle = await fs.open(file, flags, mode)
      const isDraft = flags === 'wx'
      if (isDraft) most = Math.max(most, ++open)
      const close = handle.close.bind(handle)
      handle.close = () => {
        if (isDraft) open--
        return close()
      }
      return handle
    },
  }
  const agent = new DeliveryAgent(await maildir(path, files), {})
  const mails = Array.from({ length: 600 }, (_, n) => mail([Buffer.from(`mail ${n}`)]))
  await Promise.all(mails.map(each => agent.deliver(each, '192.0.2.1', () => {})))
  assert.ok(most > 1 && most <= maildirDeliveries, `${most}`)
  assert.equal((await fs.readdir(join(path, 'new'))).length, 600)
})

test('deliveries at the same time share the sync of the directory', async t => {
  const path = await place(t)
  let synced = 0
  const relay = await maildir(path, { ...fs, open: counting(() => synced++) })
  synced = 0
  await Promise.all(Array.from({ length: 100 }, () => relay.send(mail([Buffer.from('x')]))))
  assert.ok(synced >= 1 && synced < 100, `${synced}`)
})

test('short writes are continued', async t => {
  const path = await place(t)
  const relay = await maildir(path, { ...fs, open: writing(7) })
  const content = Array.from({ length: 40 }, (_, n) => Buffer.alloc(n, n))
  const { messageId } = await relay.send(mail(content))
  assert.deepEqual(await fs.readFile(join(path, 'new', messageId!)), Buffer.concat(content))
})

test('a file that accepts no more bytes is an error and no endless loop, and no file is left', async t => {
  const path = await place(t)
  const relay = await maildir(path, { ...fs, open: writing(0) })
  await assert.rejects(relay.send(mail([Buffer.from('x')])), { code: 'EIO' })
  for (const directory of ['tmp', 'new']) assert.deepEqual(await fs.readdir(join(path, directory)), [])
  const { messageId } = await relay.send(mail([Buffer.alloc(0)]))
  assert.equal((await fs.readFile(join(path, 'new', messageId!))).length, 0)
})

const disk: readonly [code: string, reply: string][] = [
  ['ENOSPC', '452 4.3.1'],
  ['EDQUOT', '452 4.3.1'],
  ['EACCES', '451 4.3.5'],
  ['EROFS', '451 4.3.5'],
  ['EIO', '451 4.3.0'],
]
for (const [code, expected] of disk) {
  for (const step of ['open', 'writev', 'sync', 'close', 'rename', 'directory']) {
    test(`${code} at ${step} is ${expected}, and no file is left`, async t => {
      const path = await place(t)
      const relay = await maildir(path, failing(step, code))
      const error = await relay.send(mail([Buffer.from('x')])).then(
        () => assert.fail('it was acknowledged'),
        (error: unknown) => error,
      )
      const { code: reply, status } = classify(error).reply
      assert.equal(`${reply} ${status}`, expected)
      for (const directory of ['tmp', 'new']) assert.deepEqual(await fs.readdir(join(path, directory)), [])
    })
  }
}

test('a rename that succeeds and reports an error leaves no copy, because the client retries', async t => {
  const path = await place(t)
  const rename: typeof fs.rename = async (from, to) => {
    await fs.rename(from, to)
    throw systemError('EIO')
  }
  const relay = await maildir(path, { ...fs, rename })
  await assert.rejects(relay.send(mail([Buffer.from('x')])), { code: 'EIO' })
  for (const directory of ['tmp', 'new']) assert.deepEqual(await fs.readdir(join(path, directory)), [])
})

test('without its Maildir the backend rejects messages with a temporary failure', async t => {
  const path = await place(t)
  const relay = await maildir(path)
  await fs.rm(path, { recursive: true })
  await assert.rejects(relay.send(mail([Buffer.from('x')])), error => classify(error).reply.code === 451)
})

test('a path that cannot be a directory is an error at the start', async t => {
  const path = await place(t)
  await fs.mkdir(dirname(path))
  await fs.writeFile(path, '')
  await assert.rejects(maildir(join(path, 'inbox')), { code: 'ENOTDIR' })
})

test('an existing Maildir is used as it is', async t => {
  const path = await place(t)
  for (const directory of ['tmp', 'new', 'cur'])
    await fs.mkdir(join(path, directory), { recursive: true, mode: 0o750 })
  await fs.writeFile(join(path, 'new', 'old'), 'old')
  await (await maildir(path)).send(mail([Buffer.from('x')]))
  assert.equal((await fs.readdir(join(path, 'new'))).length, 2)
})

test('drafts older than 36 hours are removed, younger ones and directories are not', async t => {
  const path = await place(t)
  await maildir(path)
  const hoursAgo = (hours: number) => Date.now() / 1000 - hours * 3600
  for (const [name, hours] of [['old', 37] as const, ['young', 35] as const]) {
    await fs.writeFile(join(path, 'tmp', name), '')
    await fs.utimes(join(path, 'tmp', name), hoursAgo(hours), hoursAgo(hours))
  }
  await fs.mkdir(join(path, 'tmp', 'directory'))
  await fs.utimes(join(path, 'tmp', 'directory'), hoursAgo(99), hoursAgo(99))
  await maildir(path)
  assert.deepEqual((await fs.readdir(join(path, 'tmp'))).sort(), ['directory', 'young'])
})

test('a draft that another process removes is no error', async t => {
  const path = await place(t)
  await maildir(path)
  const lstat = async () => {
    throw systemError('ENOENT')
  }
  await fs.writeFile(join(path, 'tmp', 'draft'), '')
  await maildir(path, { ...fs, lstat })
  assert.deepEqual(await fs.readdir(join(path, 'tmp')), ['draft'])
})

async function place(t: TestContext): Promise<string> {
  const parent = await fs.mkdtemp(join(tmpdir(), 'maildir-'))
  t.after(() => fs.rm(parent, { recursive: true, force: true }))
  return join(parent, 'not', 'there')
}

function mail(content: readonly Buffer[]): Message {
  const size = content.reduce((sum, part) => sum + part.length, 0)
  return {
    id: 'id',
    sender: 'alice@example.org',
    recipients: ['bob@example.org'],
    content,
    headerBytes: 0,
    size,
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: it failed`), { code })
}

/** The file system, where one step of a delivery fails. */
function failing(step: string, code: string): Files {
  let started = false
  const open: typeof fs.open = async (path, flags, mode) => {
    const handle = await fs.open(path, flags, mode)
    if (flags === 'wx') started = true
    const fail = async () => {
      throw systemError(code)
    }
    if (flags === 'wx' && step === 'open') {
      await handle.close()
      await fs.unlink(path)
      return fail()
    }
    if (flags === 'wx' && (step === 'writev' || step === 'sync')) handle[step] = fail
    if (flags === 'wx' && step === 'close') {
      const close = handle.close.bind(handle)
      handle.close = () => close().then(fail)
    }
    if (flags === 'r' && step === 'directory' && started) handle.sync = fail
    return handle
  }
  const rename: typeof fs.rename = async (from, to) => {
    if (step === 'rename') throw systemError(code)
    await fs.rename(from, to)
  }
  return { ...fs, open, rename }
}

/** Opens files that take a few bytes in each write. */
function writing(bytes: number): typeof fs.open {
  return async (path, flags, mode) => {
    const handle = await fs.open(path, flags, mode)
    handle.writev = async buffers => {
      const part = Buffer.concat(buffers as unknown as readonly Buffer[]).subarray(0, bytes)
      const { bytesWritten } = await handle.write(part)
      return { bytesWritten, buffers }
    }
    return handle
  }
}

/** Opens files, and calls when a directory is opened. */
function counting(opened: () => void): typeof fs.open {
  return (path, flags, mode) => {
    if (flags === 'r') opened()
    return fs.open(path, flags, mode)
  }
}

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type UsersByName, UsersFile, type UsersFileOptions } from '../../src/auth/index.ts'

/** Two hashes of the same length. */
const hash = '$2y$10$85/eICRuwBwutrou64G5HeoF3Ek/qf1YKPLba7ckiMxUTAeLIeyaC'
const other = hash.replace('HeoF', 'HeoG')

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'users-'))
  context.after(() => rm(path, { recursive: true }))
  return path
}

/** A users file, its clock, and the errors that it reports. */
async function open(path: string, ports: Partial<UsersFileOptions> = {}) {
  const clock = { ms: 5000 }
  const errors: string[] = []
  const file = await UsersFile.open(path, {
    compile: async () => () => true,
    now: () => clock.ms,
    onError: error => errors.push(error.message),
    ...ports,
  })
  /** The users a second later. */
  const later = async () => {
    clock.ms += 1000
    return namesOf(await file.current())
  }
  return { file, clock, errors, later }
}

const namesOf = (users: UsersByName) => [...users.keys()].join()

test('users are available from the start, and for a second without a promise', async context => {
  const path = join(await folder(context), 'users')
  await writeFile(path, `a:${hash}\n`)
  const { file, clock } = await open(path)
  clock.ms += 999
  const users = file.current()
  assert.ok(!(users instanceof Promise))
  assert.equal(namesOf(users), 'a')
})

test("without a clock, the system's time counts: a file that was just read is not read again", async context => {
  const path = join(await folder(context), 'users')
  await writeFile(path, `a:${hash}\n`)
  const file = await UsersFile.open(path, { compile: async () => () => true })
  assert.equal(namesOf(await file.current()), 'a')
})

test('a file that is missing or broken at the start is an error', async context => {
  const path = join(await folder(context), 'users')
  await assert.rejects(open(path), { message: `open ${path}: no such file or directory` })
  await writeFile(path, `a:${hash}`)
  await assert.rejects(open(path), {
    message: `${path}: the last line does not end with a newline; the file may be incomplete`,
  })
  await writeFile(path, 'a:hunter2\n')
  await assert.rejects(open(path), {
    message: `${path}:1: the text after the user name is not a bcrypt hash; create one with htpasswd -B`,
  })
  await assert.rejects(open(tmpdir()), /EISDIR/)
  const denied = () => Promise.reject(Object.assign(new Error('EACCES'), { code: 'EACCES' }))
  await assert.rejects(open(path, { read: denied }), { message: `open ${path}: permission denied` })
})

test('a file that is written in place is read again', async context => {
  const path = join(await folder(context), 'users')
  await writeFile(path, `a:${hash}\n`)
  const { later } = await open(path)
  await writeFile(path, `a:${hash}\nb:${hash}\n`)
  assert.equal(await later(), 'a,b')
})

test('a change that does not change size and time is noticed', async context => {
  const path = join(await folder(context), 'users')
  await writeFile(path, `a:${hash}\n`)
  await utimes(path, 1, 1)
  const { later } = await open(path)
  await writeFile(path, `b:${hash}\n`)
  await utimes(path, 1, 1)
  assert.equal(await later(), 'b')
})

test('a file that was replaced by another one is read again', async context => {
  const path = join(await folder(context), 'users')
  await writeFile(path, `a:${hash}\n`)
  const { later } = await open(path)
  for (const name of ['b', 'c']) {
    await writeFile(`${path}.new`, `${name}:${hash}\n`)
    await rename(`${path}.new`, path)
    assert.equal(await later(), name)
  }
})

test('a Kubernetes secret, whose links are exchanged, is read again', async context => {
  const mount = await folder(context)
  const publish = async (version: string, text: string) => {
    await mkdir(join(mount, version))
    await writeFile(join(mount, version, 'users'), text)
    await symlink(version, join(mount, '..data_tmp'))
    await rename(join(mount, '..data_tmp'), join(mount, '..data'))
  }
  await publish('..1', `a:${hash}\n`)
  await symlink('..data/users', join(mount, 'users'))
  const { later } = await open(join(mount, 'users'))
  await publish('..2', `b:${hash}\n`)
  assert.equal(await later(), 'b')
  await rm(join(mount, '..1'), { recursive: true })
  assert.equal(await later(), 'b')
})

test('a broken file does not change the users, and is reported once, with its line', async context => {
  const path = join(await folder(context), 'users')
  await writeFile(path, `a:${hash}\n`)
  const { errors, later } = await open(path)
  const broken = `${path}:2: the text after the user name is not a bcrypt hash; create one with htpasswd -B`
  await writeFile(path, `b:${hash}\nc:hunter2\n`)
  for (let i = 0; i < 3; i++) assert.equal(await later(), 'a')
  assert.deepEqual(errors, [broken])

  await rm(path)
  for (let i = 0; i < 3; i++) assert.equal(await later(), 'a')
  assert.deepEqual(errors.splice(0), [broken, `open ${path}: no such file or directory`])

  await writeFile(path, `b:${hash}\n`)
  assert.equal(await later(), 'b')
  await writeFile(path, 'hunter2\n')
  assert.equal(await later(), 'b')
  assert.equal(errors.length, 1)
  await writeFile(path, `b:${hash}\n`)
  assert.equal(await later(), 'b')
  await writeFile(path, 'hunter2\n')
  assert.equal(await later(), 'b')
  assert.equal(errors.length, 2)
})

test('a file that becomes empty does not change the users, and is reported', async context => {
  const path = join(await folder(context), 'users')
  await writeFile(path, `a:${hash}\n`)
  const { errors, later } = await open(path)
  await writeFile(path, '')
  for (let i = 0; i < 2; i++) assert.equal(await later(), 'a')
  assert.deepEqual(errors, [
    `${path}: the file is empty and is not used; to remove all users, leave a comment line (#) in it`,
  ])
  await writeFile(path, '# none\n')
  assert.equal(await later(), '')
})

test('a file that is empty from the start has no users', async context => {
  const path = join(await folder(context), 'users')
  await writeFile(path, '')
  const { errors, later } = await open(path)
  assert.equal(await later(), '')
  assert.deepEqual(errors, [])
  await writeFile(path, `a:${hash}\n`)
  assert.equal(await later(), 'a')
})

test('a file that is read while it is incomplete does not change the users, even if only a rule for senders is missing', async context => {
  const path = join(await folder(context), 'users')
  const text = `a:${hash}:^a@example\\.org$\n`
  await writeFile(path, text)
  const { file, errors, later } = await open(path)
  const before = await file.current()
  await writeFile(path, text.slice(0, text.indexOf('^') - 1))
  await later()
  assert.equal(await file.current(), before)
  assert.deepEqual(errors, [`${path}: the last line does not end with a newline; the file may be incomplete`])
})

test('the user of -u is an error in a changed file, too', async context => {
  const path = join(await folder(context), 'users')
  await writeFile(path, `a:${hash}\n`)
  const { errors, later } = await open(path, { otherUser: 'root' })
  await writeFile(path, `a:${hash}\nroot:${hash}\n`)
  assert.equal(await later(), 'a')
  assert.deepEqual(errors, [`${path}:2: the same user as -u/--user`])
})

test('while the file does not change, the users are the same objects, with their cached passwords', async context => {
  const path = join(await folder(context), 'users')
  await writeFile(path, `a:${hash}\n`)
  const { file, clock } = await open(path)
  const before = await file.current()
  clock.ms += 60_000
  assert.equal(await file.current(), before)
  await writeFile(path, `a:${other}\n`)
  clock.ms += 1000
  assert.notEqual(await file.current(), before)
})

test('the file is read once at a time and at most once a second, however many callers ask', async () => {
  let reads = 0
  let finish = () => {}
  const read = async () => {
    reads++
    if (reads > 1) await new Promise<void>(resolve => (finish = resolve))
    return Buffer.from(`a:${hash}\n`)
  }
  const { file, clock } = await open('users', { read })
  clock.ms += 1000
  const asked = Array.from({ length: 100 }, () => file.current())
  assert.equal(reads, 2)
  finish()
  await Promise.all(asked)
  clock.ms += 999
  assert.ok(!(file.current() instanceof Promise))
  assert.equal(reads, 2)
})

test('a caller that asks while the file is read gets the new users', async () => {
  const texts = [`a:${hash}\n`, `b:${hash}\n`]
  let finish = () => {}
  const read = async () => {
    const text = texts.shift() ?? ''
    if (texts.length === 0) await new Promise<void>(resolve => (finish = resolve))
    return Buffer.from(text)
  }
  const { file, clock } = await open('users', { read })
  clock.ms += 1000
  const asked = [file.current(), file.current()]
  finish()
  assert.deepEqual((await Promise.all(asked)).map(namesOf), ['b', 'b'])
})

test('an expression is compiled once while it is in the file, and other work runs before it', async context => {
  const path = join(await folder(context), 'users')
  await writeFile(path, `a:${hash}:x\nb:${hash}:x\nc:${hash}:y\n`)
  const compiled: string[] = []
  let turned = false
  setImmediate(() => (turned = true))
  const compile = async (source: string, place: string) => {
    assert.equal(turned, true)
    compiled.push(`${place.slice(path.length)} ${source}`)
    return (text: string) => text === source
  }
  const { file, clock } = await open(path, { compile })
  assert.deepEqual(compiled.splice(0), [':1 x', ':3 y'])

  await writeFile(path, `c:${hash}:y\nd:${hash}:z\n`)
  clock.ms += 1000
  const users = await file.current()
  assert.deepEqual(compiled.splice(0), [':2 z'])
  assert.deepEqual([users.get('c')?.senders?.('y'), users.get('d')?.senders?.('y')], [true, false])

  await writeFile(path, `a:${hash}:x\n`)
  clock.ms += 1000
  await file.current()
  assert.deepEqual(compiled, [':1 x'])
})

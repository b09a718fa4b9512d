import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { install, repository } from './installation.ts'

const { exports } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'))
const entryPoints = Object.keys(exports)
  .filter(entryPoint => entryPoint !== './package.json')
  .map(entryPoint => entryPoint.replace('.', 'aws-smtp-relay'))

test('every entry point can be imported and required, exports the same, and prints nothing', async t => {
  const { node, write } = await install(t)
  await write(
    'esm.mjs',
    `${entryPoints.map((entryPoint, n) => `import * as d${n} from '${entryPoint}'`).join('\n')}
console.log(JSON.stringify([${entryPoints.map((_, n) => `Object.keys(d${n}).sort()`)}]))`,
  )
  await write(
    'cjs.cjs',
    `const entryPoints = ${JSON.stringify(entryPoints)}
console.log(JSON.stringify(entryPoints.map(entryPoint => Object.keys(require(entryPoint)).sort())))`,
  )
  const [esm, cjs] = [await node(['esm.mjs']), await node(['cjs.cjs'])]
  assert.deepEqual([esm.stderr, cjs.stderr], ['', ''])
  assert.equal(esm.stdout, cjs.stdout)
  const names: string[][] = JSON.parse(esm.stdout)
  assert.equal(names.length, 6)
  for (const [n, exported] of names.entries()) assert.notEqual(exported.length, 0, entryPoints[n])
  assert.ok(names[0]!.includes('createServer'))
})

test('a CommonJS program can serve; the server handles no signals, and the program ends once the server is closed', async t => {
  const { node, write } = await install(t)
  await write(
    'program.cjs',
    `const { createServer } = require('aws-smtp-relay')
createServer({ relay: 'discard' }).then(async server => {
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  require('node:net').connect(port, '127.0.0.1').once('data', async data => {
    console.log(String(data).slice(0, 3))
    await server.close()
    console.log(process.eventNames().filter(name => /^SIG|^uncaught|^unhandled|[eE]xit$/.test(String(name))))
  })
})`,
  )
  assert.deepEqual(await node(['program.cjs']), { code: 0, stdout: '220\n[]\n', stderr: '' })
})

test('a CommonJS program finds the types, too', async t => {
  const { typeCheck, write } = await install(t)
  const file = await write(
    'program.cts',
    entryPoints
      .map((entryPoint, n) => `import d${n} = require('${entryPoint}')\nexport const e${n} = d${n}`)
      .join('\n'),
  )
  const options = { module: 'nodenext', noEmit: true, skipLibCheck: false }
  assert.equal(await typeCheck([file], options), '')
})

test('files that are not entry points cannot be imported', async t => {
  const { node } = await install(t)
  const { stderr } = await node(['--input-type=module', '-e', "await import('aws-smtp-relay/dist/cli.js')"])
  assert.match(stderr, /ERR_PACKAGE_PATH_NOT_EXPORTED/)
})

test('an entry point exports every type that its types mention', () => {
  const protocol = exportsOf(typesOf('./protocol'))
  const missing: string[] = []
  for (const entryPoint of Object.keys(exports).filter(entryPoint => entryPoint !== './package.json')) {
    const exported = exportsOf(typesOf(entryPoint))
    assert.ok(exported.size > 5, entryPoint)
    // The types of the protocol are the same in all modules, and have an entry point of their own.
    const known = new Set([...exported.keys(), ...(entryPoint === '.' ? [] : protocol.keys())])
    for (const [name, file] of exported) {
      for (const mentioned of mentionedBy(name, file).filter(mentioned => !known.has(mentioned))) {
        missing.push(`${entryPoint}: ${name} mentions ${mentioned}`)
      }
    }
  }
  assert.deepEqual(missing, computed)
})

/** Types that are computed from another one, so that no application has to name them. */
const computed = ['.: ServerConfig mentions Property', '.: ServerConfig mentions Settings']

const typesOf = (entryPoint: string) => join(repository, exports[entryPoint].types)

// TypeScript writes declarations in one format, so that they can be read line by line.
const declaration = /^(?:export )?(?:declare )?(?:abstract )?(?:interface|type|class|function|const) (\w+)/

/** Returns what a declaration file exports: each name with the file that declares it. */
function exportsOf(path: string): Map<string, string> {
  const text = readFileSync(path, 'utf8')
  const found = new Map<string, string>()
  for (const [, list = '', from = ''] of text.matchAll(
    /^export (?:type )?\{([^}]*)\}(?: from '(\..*)\.ts')?;/gm,
  )) {
    const inside = from === '' ? undefined : exportsOf(join(dirname(path), `${from}.d.ts`))
    for (const name of namesIn(list)) found.set(name, inside?.get(name) ?? path)
  }
  for (const line of text.split('\n').filter(line => line.startsWith('export '))) {
    const [, name] = declaration.exec(line) ?? []
    if (name !== undefined) found.set(name, path)
  }
  return found
}

/** Returns the types of this package that a declaration mentions, besides itself. */
function mentionedBy(name: string, path: string): readonly string[] {
  const text = readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
  const imports = [...text.matchAll(/^import (?:type )?\{([^}]*)\} from '\./gm)]
  const known = new Set(imports.flatMap(([, list = '']) => namesIn(list)))
  const pieces = new Map<string, string>()
  let current = ''
  for (const line of text.split('\n')) {
    current = declaration.exec(line)?.[1] ?? (/^\S/.test(line) && !line.startsWith('}') ? '' : current)
    pieces.set(current, `${pieces.get(current) ?? ''}${line}\n`)
  }
  for (const local of pieces.keys()) known.add(local)
  const words = new Set((pieces.get(name) ?? '').replace(/'[^']*'/g, '').match(/\b[A-Z]\w*/g))
  return [...words].filter(word => word !== name && known.has(word))
}

function namesIn(list: string): readonly string[] {
  return list
    .split(',')
    .map(part => part.trim().replace(/^type /, ''))
    .filter(name => name !== '')
}

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { disableSdkVersionWarning } from '../../src/program/sdk-warning.ts'

const variable = 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'
const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

test('the warning of the AWS SDK about Node.js releases is turned off, unless the operator has decided', () => {
  const environment: NodeJS.ProcessEnv = {}
  disableSdkVersionWarning(environment)
  assert.equal(environment[variable], 'true')
  const decided = { [variable]: 'false' }
  disableSdkVersionWarning(decided)
  assert.equal(decided[variable], 'false')
})

test('the program turns the warning off', () => {
  const { [variable]: _, ...env } = process.env
  const print = `process.on('exit', () => process.stderr.write('disabled=' + process.env.${variable}))`
  const preload = `data:text/javascript,${encodeURIComponent(print)}`
  const { stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--import', preload, cli, '--version'], {
    encoding: 'utf8',
    env,
  })
  assert.equal(stderr, 'disabled=true')
})

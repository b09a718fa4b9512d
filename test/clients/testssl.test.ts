import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { missingTool, runTool } from '../support/external-tool.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { ClientFixture } from './client-fixture.ts'

/** A finding of testssl. */
interface Finding {
  readonly id: string
  readonly severity: string
  readonly finding: string
}

/** testssl opens some hundred connections one after the other: 25 s on two cores. */
const limitMs = 110_000
/** Protocols, cipher categories, forward secrecy, server order. The test certificate is not checked. */
const sections = ['--protocols', '--std', '--fs', '--server-preference']
/** Findings about testssl itself and the machine. */
const ofTheTool = ['engine_problem', 'scanTime', 'service', 'rating_doc', 'rating_spec']

for (const way of ['STARTTLS', 'implicit TLS'] as const) {
  test(`testssl finds nothing wrong with the protocols and ciphers over ${way}`, {
    skip: missingTool('testssl'),
  }, async t => {
    const stage = await ClientFixture.start(t)
    const file = join(await temporaryDirectory(t), 'findings.json')
    const starttls = way === 'STARTTLS' ? ['--starttls', 'smtp'] : []
    const args = [
      ...sections,
      '--quiet',
      '--color',
      '0',
      '--warnings',
      'off',
      '--jsonfile',
      file,
      ...starttls,
    ]
    const { stdout } = await runTool('testssl', [...args, `127.0.0.1:${stage.port(way)}`], '', limitMs)
    const findings = (JSON.parse(await readFile(file, 'utf8')) as Finding[]).filter(
      ({ id }) => !ofTheTool.includes(id),
    )
    const wrong = findings.filter(({ severity }) => severity !== 'OK' && severity !== 'INFO')
    assert.deepEqual(wrong, [], stdout)
    for (const id of [/^TLS1_2$/, /^TLS1_3$/, /^cipherlist_/, /^cipher_?order/i]) {
      assert.ok(
        findings.some(finding => id.test(finding.id)),
        `nothing was found for ${id}`,
      )
    }
  })
}

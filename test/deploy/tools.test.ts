/** The tools that read the files accept them. A tool that is not installed is skipped. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cp, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse } from '../../src/config/index.ts'
import { variableOf } from '../../src/config/option.ts'
import { documentsOf, folder, paths, readDocuments, resource, type Tree } from './files.ts'

const limitMs = 60_000

test('every file of YAML or JSON can be read', () => {
  const files = paths.filter(path => /\.(ya?ml|json)$/.test(path) && !path.startsWith('helm/templates/'))
  assert.ok(files.length > 20)
  for (const path of files) {
    assert.doesNotThrow(() => documentsOf(path), path)
  }
})

test('kubectl renders the manifests, with every component', withTool('kubectl'), async t => {
  const here = await realpath(await roomFor(t))
  const from = (path: string) => relative(here, join(folder, 'kubernetes', path))
  const kustomization = {
    resources: [from('')],
    components: ['tls', 'users', 'load-balancer'].map(from),
  }
  await writeFile(join(here, 'kustomization.yaml'), JSON.stringify(kustomization))
  const documents = readDocuments(run('kubectl', ['kustomize', here]))
  const { spec } = resource(documents, 'Deployment')
  const { data, metadata } = resource(documents, 'ConfigMap')
  assert.equal(spec.template.spec.containers[0].envFrom[0].configMapRef.name, metadata.name)
  assert.deepEqual(
    ['SMTP_RELAY_TLS_CERT', 'SMTP_RELAY_USERS_FILE', 'SMTP_RELAY_PROXY_PROTOCOL'].filter(
      name => !(name in data),
    ),
    [],
  )
  selectsItsPods(documents)
})

const settings = [
  '--set=options.max-size=10485760,options.max-wait=0.5,options.require-starttls=true,sendQuota=14',
  '--set=tls.secretName=a,users.secretName=b,secretName=c,serviceMonitor.enabled=true',
]

test('helm renders the chart to the same manifests', withTool('helm'), () => {
  run('helm', ['lint', '--strict', join(folder, 'helm')])
  const documents = readDocuments(run('helm', ['template', 'relay', join(folder, 'helm')]))
  selectsItsPods(documents)
  const [chart, plain] = [documents, documentsOf('kubernetes/deployment.yaml')].map(all => {
    const { spec } = resource(all, 'Deployment')
    const { containers, topologySpreadConstraints, serviceAccountName, ...pod } = spec.template.spec
    const { envFrom, imagePullPolicy, ...container } = containers[0]
    return { pod, container, strategy: spec.strategy }
  })
  assert.deepEqual(chart, plain)
  for (const kind of ['HorizontalPodAutoscaler', 'PodDisruptionBudget']) {
    const [ours, theirs] = [documents, documentsOf('kubernetes/scaling.yaml')].map(all => {
      const { scaleTargetRef, selector, ...rest } = resource(all, kind).spec
      return rest
    })
    assert.deepEqual(ours, theirs)
  }
})

test('the program reads what is set in the chart', withTool('helm'), () => {
  const documents = readDocuments(run('helm', ['template', 'relay', join(folder, 'helm'), ...settings]))
  const { data } = resource(documents, 'ConfigMap')
  const { SMTP_RELAY_ADMIN, ...env } = data
  const parsed = parse([], env)
  assert.ok(parsed.type === 'settings')
  const { maxMessageBytes, maxWaitMs, requireTls, sendRate, tls, usersFile } = parsed.settings
  assert.deepEqual(
    { maxMessageBytes, maxWaitMs, requireTls, tls: tls?.certPath, usersFile },
    {
      maxMessageBytes: 10_485_760,
      maxWaitMs: 500,
      requireTls: true,
      tls: '/tls/tls.crt',
      usersFile: '/users/users',
    },
  )
  // The share of one of at most 6 pods in the quota of all.
  assert.ok(typeof sendRate === 'number' && Math.abs(sendRate - 14 / 6) < 1e-9)
  assert.equal(SMTP_RELAY_ADMIN, ':9025')
  assert.equal(variableOf('send-rate'), 'SMTP_RELAY_SEND_RATE')
})

test('promtool accepts the alerts, and they fire when they should', withTool('promtool'), () => {
  run('promtool', ['check', 'rules', join(folder, 'prometheus/alerts.yml')])
  run('promtool', ['test', 'rules', join(folder, 'prometheus/alerts.test.yml')])
})

test('systemd accepts the unit, alone and with its drop-ins', withTool('systemd-analyze'), async t => {
  const here = await roomFor(t)
  const unit = join(here, 'aws-smtp-relay.service')
  const text = await readFile(join(folder, 'systemd/aws-smtp-relay.service'), 'utf8')
  // Node.js may have another path on this machine.
  await writeFile(unit, text.replace('/usr/bin/node', process.execPath))
  const complaints = () => spawnSync('systemd-analyze', ['verify', '--man=no', unit], { timeout: limitMs })
  for (const dropIns of [false, true]) {
    if (dropIns) {
      await cp(join(folder, 'systemd/aws-smtp-relay.service.d'), `${unit}.d`, { recursive: true })
    }
    const { status, stderr } = complaints()
    assert.deepEqual([status, String(stderr)], [0, ''])
  }
})

/** Every service, budget and policy selects the pods, and the autoscaler has the right name. */
function selectsItsPods(documents: readonly Tree[]): void {
  const deployment = resource(documents, 'Deployment')
  const { labels } = deployment.spec.template.metadata
  const selectors = documents.flatMap(({ kind, spec }) => {
    if (kind === 'Service') return [spec.selector]
    if (kind === 'PodDisruptionBudget' || kind === 'Deployment') return [spec.selector.matchLabels]
    return kind === 'NetworkPolicy' ? [spec.podSelector.matchLabels] : []
  })
  assert.ok(selectors.length >= 4)
  for (const selector of selectors) {
    assert.ok(Object.keys(selector).length > 0)
    for (const [label, value] of Object.entries(selector)) assert.equal(labels[label], value)
  }
  const { scaleTargetRef } = resource(documents, 'HorizontalPodAutoscaler').spec
  assert.equal(scaleTargetRef.name, deployment.metadata.name)
}

async function roomFor(t: TestContext): Promise<string> {
  const room = await mkdtemp(join(tmpdir(), 'relay-deploy-'))
  t.after(() => rm(room, { recursive: true }))
  return room
}

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, {
    encoding: 'utf8',
    timeout: limitMs,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function withTool(command: string): { readonly skip: string | false } {
  const { error } = spawnSync(command, ['--help'], { timeout: limitMs, stdio: 'ignore' })
  return { skip: error === undefined ? false : `${command} is not installed` }
}

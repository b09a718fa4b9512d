/** With the settings of every file in deploy the program would start, and has the time and the memory that it needs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse, type Settings } from '../../src/config/index.ts'
import { names, secretVariables, variableOf } from '../../src/config/option.ts'
import { documentsOf, paths, type Tree, textOf } from './files.ts'
import { component, deployment, type Setup, setups, sidecar, task } from './setups.ts'

const known = new Set<string>(names)
const variables = new Set([...names.map(variableOf), ...Object.keys(secretVariables)])

for (const [name, { env, graceSeconds, memoryBytes }] of Object.entries(setups)) {
  test(`${name}: the program starts with these settings, without a warning`, () => {
    assert.deepEqual(settingsOf(env).warnings, [])
  })

  test(`${name}: mails under way can end before it is killed`, () => {
    assert.ok(graceSeconds >= settingsOf(env).drainTimeoutMs / 1000 + 10)
  })

  test(`${name}: there is memory for the mails and 230 MB for every process`, () => {
    const settings = settingsOf(env)
    const processes = settings.workers === 1 ? 1 : settings.workers + 1
    assert.ok(memoryBytes >= settings.messageMemoryBytes + processes * 230e6)
  })
}

test('what ECS may be told to wait is at most 120 seconds', () => {
  assert.ok(task.containerDefinitions[0].stopTimeout <= 120)
})

test('every variable that the files name is read by the program', () => {
  for (const path of paths) {
    for (const [name] of textOf(path).matchAll(/\bSMTP_RELAY_[A-Z_]*[A-Z]\b/g)) {
      assert.ok(variables.has(name), `${path}: ${name}`)
    }
  }
})

test('every option that the files name exists', () => {
  const other = /\b(kubectl|helm|aws|htpasswd|promtool|npm|docker) /
  for (const path of paths.filter(path => !path.endsWith('.md'))) {
    const lines = textOf(path)
      .split('\n')
      .filter(line => !other.test(line))
    for (const [, name] of lines.join('\n').matchAll(/(?<![\w-])--([a-z][a-z-]*)/g)) {
      assert.ok(known.has(name!), `${path}: --${name}`)
    }
  }
})

test('the program may do nothing in a container but what it does', () => {
  for (const [pod, container] of [
    [deployment, deployment.containers[0]],
    [sidecar, sidecar.initContainers[0]],
  ]) {
    const { runAsNonRoot, runAsUser, seccompProfile } = pod.securityContext
    assert.deepEqual([runAsNonRoot, runAsUser, seccompProfile.type], [true, 1000, 'RuntimeDefault'])
    assert.deepEqual(container.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
  }
})

test('beside an application it listens where nobody else can reach it', () => {
  const { listen } = settingsOf(setups.sidecar!.env)
  assert.deepEqual(
    listen.map(({ host }) => host),
    ['127.0.0.1'],
  )
  assert.equal(sidecar.initContainers[0].restartPolicy, 'Always')
})

test('the load balancer is let in from the addresses that are believed to be its own, and from no others', () => {
  const [policy] = documentsOf('kubernetes/load-balancer/network-policy.yaml')
  const blocks = policy.spec.ingress[0].from.map((peer: Tree) => peer.ipBlock.cidr)
  assert.equal(component('load-balancer').SMTP_RELAY_PROXY_PROTOCOL, blocks.join())
})

test('with the PROXY protocol health checks come by TCP: HTTP would have the header in front, too', () => {
  const [service] = documentsOf('kubernetes/load-balancer/service.yaml')
  const prefix = 'service.beta.kubernetes.io/aws-load-balancer'
  assert.equal(service.metadata.annotations[`${prefix}-proxy-protocol`], '*')
  assert.equal(service.metadata.annotations[`${prefix}-healthcheck-protocol`], 'tcp')
  const [attributes] = documentsOf('ecs/target-group-attributes.json')
  assert.ok(attributes.some((one: Tree) => one.Key === 'proxy_protocol_v2.enabled' && one.Value === 'true'))
  assert.equal(documentsOf('ecs/target-group.json')[0].HealthCheckProtocol, 'TCP')
})

function settingsOf(env: Setup['env']): Settings {
  const parsed = parse([], env)
  assert.ok(parsed.type === 'settings', 'message' in parsed ? parsed.message : parsed.type)
  return parsed.settings
}

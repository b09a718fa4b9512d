import { readFileSync } from 'node:fs'
import { type Reply, replies } from '../../src/protocol/index.ts'
import { type ErrorRule, errorTable, unknownError } from '../../src/relay/errors/error-table.ts'
import { root, table } from './markdown.ts'

/** A reply, and what the comment above it says. */
export interface Said {
  /** The remark that it stands below. */
  readonly group: string
  readonly when: string
  /** The RFC that asks for it, or the attack that it is hardened against. */
  readonly rule: string
  readonly reply: Reply
}

/** A row of the failure table, and what the comment above it says. */
export interface Failed {
  readonly group: string
  readonly when: string
  readonly failure: ErrorRule
}

/** Every sentence of the engine; what depends on the moment has its name in capitals. */
export function engineReplies(): readonly Said[] {
  const comments = commentsIn('src/protocol/replies.ts', 'export const replies = {', /^ {2}(\w+): /)
  return Object.entries(replies).map(([name, sentence]) => {
    const comment = comments.find(comment => comment.name === name)
    if (comment === undefined) throw new Error(`no comment says when ${name} is said`)
    return { ...comment, ...whenAndRule(comment.text), reply: written(sentence) }
  })
}

/** What the gatekeeper and the filters say: constants of these files, each with a comment. */
export function hostReplies(): readonly Said[] {
  return ['src/auth/access-control.ts', 'src/relay/filter.ts'].flatMap(path =>
    [
      ...textOf(path).matchAll(/\/\*\* (.*) \*\/\nconst \w+ = reply\((\d{3}), '(\d\.\d+\.\d+)', '(.*)'\)\n/g),
    ].map(([, comment, code, status, text]) => ({
      group: '',
      ...whenAndRule(comment!),
      reply: { code: Number(code), status: status!, text: text! },
    })),
  )
}

/** The failure table, row by row, and the reply where no row fits. */
export function failureReplies(): readonly Failed[] {
  const comments = commentsIn(
    'src/relay/errors/error-table.ts',
    'export const errorTable: readonly ErrorRule[] = [',
    /^ {2}\{/,
  )
  if (comments.length !== errorTable.length) {
    throw new Error(`${errorTable.length} rows, but ${comments.length} comments that say when they fit`)
  }
  const rows = errorTable.map((failure, i) => {
    const { group, text } = comments[i]!
    return { group, when: text.replace(/\.$/, ''), failure }
  })
  return [...rows, { group: 'Everything else', when: 'An error that no row knows', failure: unknownError }]
}

/** docs/replies.md, but for its beginning. */
export function repliesPage(): string {
  return [
    '## Of the engine\n',
    ...byGroup(engineReplies(), saidTable),
    '## Of the gatekeeper and the filters\n',
    saidTable(hostReplies()),
    '## Of what became of a mail\n',
    failureIntroduction,
    ...byGroup(failureReplies(), failedTable),
  ].join('\n')
}

/** The short table of the README: what can go wrong behind this server, each reply of a group once, with its first when. */
export function outcomeTable(): string {
  const rows = groupsOf(failureReplies()).map(([group, rows]) => {
    const firsts = new Map<string, string>()
    for (const { when, failure } of rows) {
      const reply = codes(failure.reply)
      if (!firsts.has(reply)) firsts.set(reply, `${reply} ${when}`)
    }
    return [group, [...firsts.values()].join('<br>')]
  })
  const { code, status, text } = replies.delivered
  return table(
    ['What happened', 'Reply, and an example'],
    [['The backend has taken the mail', `\`${code} ${status} ${text}\` and what it calls the mail`], ...rows],
  )
}

const failureIntroduction = `The first row that fits an error speaks. *Name* is its name or code, *says* an expression that its text matches, *HTTP*
the status of the answer. *Again*: the backend has said that it did not take the mail, and the call is repeated while the
client waits, for as long as \`--patience\` allows; the client hears the reply where that does not help. \`{text}\` is what
the error says.
`

function byGroup<T extends { group: string }>(rows: readonly T[], tableOf: (rows: readonly T[]) => string) {
  return groupsOf(rows).map(([group, rows]) => `### ${group}\n\n${tableOf(rows)}`)
}

function groupsOf<T extends { group: string }>(rows: readonly T[]): readonly [string, readonly T[]][] {
  return [...new Set(rows.map(({ group }) => group))].map(name => [
    name,
    rows.filter(({ group }) => group === name),
  ])
}

function saidTable(rows: readonly Said[]): string {
  return table(
    ['Reply', 'Text', 'When', 'Rule'],
    rows.map(({ reply, when, rule }) => [codes(reply), texts(reply), when, rule]),
  )
}

function failedTable(rows: readonly Failed[]): string {
  return table(
    ['Reply', 'Text', 'When', 'Name', 'Says', 'HTTP', 'Again'],
    rows.map(({ when, failure: { reply, names = [], text, http = [], retryable } }) => [
      codes(reply),
      texts(reply),
      when,
      names.map(name => `\`${name}\``).join(' '),
      text === undefined ? '' : `\`${text}\``,
      http.join(' '),
      retryable ? 'yes' : '',
    ]),
  )
}

function codes({ code, status }: Reply): string {
  return `\`${status === undefined ? code : `${code} ${status}`}\``
}

function texts({ text }: Reply): string {
  return [text]
    .flat()
    .map(line => `\`${line}\``)
    .join('<br>')
}

/** A sentence with the names of its parameters in capitals where their values would be. */
function written(sentence: (typeof replies)[keyof typeof replies]): Reply {
  if (typeof sentence !== 'function') return sentence
  const [, parameters = ''] = /^\(?([\w,\s]*)\)?\s*=>/.exec(String(sentence)) ?? []
  // A list of one reads like its word.
  const words = parameters.split(',').map(name => [name.trim().toUpperCase()])
  return (sentence as (...words: readonly unknown[]) => Reply)(...words)
}

interface Comment {
  readonly group: string
  readonly text: string
  /** What the pattern of a row captures. */
  readonly name: string | undefined
}

/**
 * The one-line doc comments of a table in a source file, each with the remark of its group: a `//` line behind an empty
 * one, or at the beginning.
 */
function commentsIn(path: string, begin: string, row: RegExp): readonly Comment[] {
  const source = textOf(path)
  const from = source.indexOf(`${begin}\n`)
  if (from < 0) throw new Error(`${path} has no ${begin}`)
  const comments: Comment[] = []
  let group = ''
  let text: string | undefined
  let before = ''
  for (const line of source.slice(from + begin.length + 1).split('\n')) {
    if (/^[\]}]/.test(line)) break
    const [, remark] = /^ {2}\/\/ (.*)/.exec(line) ?? []
    const [, comment] = /^ {2}\/\*\* (.*) \*\/$/.exec(line) ?? []
    if (remark !== undefined && before === '') group = remark
    if (comment !== undefined) text = comment
    const found = row.exec(line)
    if (found !== null) {
      if (text === undefined) throw new Error(`${path}: no comment says when: ${line.trim()}`)
      comments.push({ group, text, name: found[1] })
      text = undefined
    }
    before = line
  }
  return comments
}

/** `When (rule).` */
function whenAndRule(comment: string): { readonly when: string; readonly rule: string } {
  const [, when, rule] = /^(.+) \(((?:RFC|hardening)[^()]*)\)\.$/.exec(comment) ?? []
  if (when === undefined || rule === undefined) throw new Error(`a rule in brackets is missing: ${comment}`)
  return { when, rule: rule.replace(/ sections? /g, ' §').replace(/, (\d)/g, ', §$1') }
}

function textOf(path: string): string {
  return readFileSync(root + path, 'utf8')
}

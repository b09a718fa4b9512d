import { readFileSync } from 'node:fs'
import { type Reply, replies } from '../../src/protocol/index.ts'
import { type ErrorRule, errorTable, unknownError } from '../../src/relay/errors/error-table.ts'
import { root, table } from './markdown.ts'

/** A reply, and the comment above it. */
export interface Said {
  /** The heading: the `//` comment above the group. */
  readonly group: string
  readonly when: string
  /** The RFC that requires it, or the reason for hardening. */
  readonly rule: string
  readonly reply: Reply
}

/** A row of the error table, and the comment above it. */
export interface Failed {
  readonly group: string
  readonly when: string
  readonly failure: ErrorRule
}

/** Every reply of the engine. Values that vary are shown as their names in capitals. */
export function engineReplies(): readonly Said[] {
  const comments = commentsIn('src/protocol/replies.ts', 'export const replies = withIds({', /^ {2}(\w+): /)
  return Object.entries(replies).map(([name, sentence]) => {
    const comment = comments.find(comment => comment.name === name)
    if (comment === undefined) throw new Error(`no comment says when ${name} is said`)
    return { ...comment, ...whenAndRule(comment.text), reply: written(name, sentence) }
  })
}

/** The replies of access control and of the filters: constants of these files, each with a comment. */
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

/** The error table, row by row, and the reply if no row matches. */
export function failureReplies(): readonly Failed[] {
  const comments = commentsIn(
    'src/relay/errors/error-table.ts',
    'export const errorTable: readonly ErrorRule[] = [',
    /^ {2}\{/,
  )
  if (comments.length !== errorTable.length) {
    throw new Error(`${errorTable.length} rows, but ${comments.length} comments that say when they match`)
  }
  const rows = errorTable.map((failure, i) => {
    const { group, text } = comments[i]!
    return { group, when: text.replace(/\.$/, ''), failure }
  })
  return [...rows, { group: 'Everything else', when: 'An error that matches no row', failure: unknownError }]
}

/** docs/replies.md without its beginning. */
export function repliesPage(): string {
  return [
    '## Replies of the engine\n',
    ...byGroup(engineReplies(), saidTable),
    '## Replies of access control and filters\n',
    saidTable(hostReplies()),
    '## Replies after delivery errors\n',
    failureIntroduction,
    ...byGroup(failureReplies(), failedTable),
  ].join('\n')
}

/** The short table of the README: each reply to delivery errors once in each group, with the first reason for it. */
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
    [
      ['The backend has accepted the message', `\`${code} ${status} ${text}\` and the backend's message ID`],
      ...rows,
    ],
  )
}

const failureIntroduction = `The first row that fits an error speaks. *Name* is its name or code, *says* an expression that its text matches, *HTTP*
the status of the answer. *Again*: the backend has said that it did not take the mail, and the call is repeated while the
client waits, for as long as \`--max-wait\` allows; the client hears the reply where that does not help. \`{text}\` is what
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
    ['Reply', 'Text', 'When', 'Name', 'Message', 'HTTP', 'Retry'],
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
function written(id: string, sentence: (typeof replies)[keyof typeof replies]): Reply {
  if (typeof sentence !== 'function') return sentence
  const [, parameters = ''] =
    new RegExp(`^  ${id}: \\(([^)]*)\\)`, 'm').exec(textOf('src/protocol/replies.ts')) ?? []
  // A list of one element reads like its word.
  const words = parameters.split(',').map(name => [name.trim().replace(/:.*/, '').toUpperCase()])
  return (sentence as (...words: readonly unknown[]) => Reply)(...words)
}

interface Comment {
  readonly group: string
  readonly text: string
  /** The text that the pattern of the row captures. */
  readonly name: string | undefined
}

/**
 * The one-line doc comments of a table in a source file, each with the heading of its group: a `//` line after an empty
 * line, or at the beginning.
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
      if (text === undefined) throw new Error(`${path}: no comment explains when: ${line.trim()}`)
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
  if (when === undefined || rule === undefined)
    throw new Error(`the rule in parentheses is missing: ${comment}`)
  return { when, rule: rule.replace(/ sections? /g, ' §').replace(/, (\d)/g, ', §$1') }
}

function textOf(path: string): string {
  return readFileSync(root + path, 'utf8')
}

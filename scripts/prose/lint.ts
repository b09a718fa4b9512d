/** Holds prose to the rules. */
import { type Exception, type Rule, rules } from './rules.ts'
import { proseOf } from './text.ts'

/** A place where a rule is broken. */
export interface Finding {
  readonly path: string
  readonly line: number
  readonly rule: Rule
  /** What was found, on one line. */
  readonly words: string
}

/** What is wrong with the prose of one file, in the order of its lines; an extension that is not known has no prose. */
export function lint(path: string, text: string): readonly Finding[] {
  const prose = proseOf(path, text)
  if (prose === undefined) return []
  const found = rules.flatMap(rule =>
    [...prose.matchAll(rule.pattern)].map(({ index, 0: words }) => ({
      path,
      line: text.slice(0, index).split('\n').length,
      rule,
      words: words.replace(/\s+/g, ' '),
    })),
  )
  return found.sort((a, b) => a.line - b.line)
}

/** Whether the exception is of this finding. @param line the line of the file that the finding is on */
export function isExcepted(exception: Exception, { path }: Finding, line: string): boolean {
  return exception.path === path && line.includes(exception.words)
}

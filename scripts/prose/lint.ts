/** Checks prose against the rules. */
import { type Exception, type Rule, rules } from './rules.ts'
import { proseOf } from './text.ts'

/** A place where a rule is broken. */
export interface Finding {
  readonly path: string
  readonly line: number
  readonly rule: Rule
  /** The words that break the rule, on one line. */
  readonly words: string
}

/** Returns the findings in one file, by line. A file whose type is not known has no findings. */
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

/** Returns true if the exception covers the finding. @param line the whole line that the finding is on */
export function isExcepted(exception: Exception, { path }: Finding, line: string): boolean {
  return exception.path === path && line.includes(exception.words)
}

import { importOptional } from './optional-package.ts'

/** A compiled regular expression. Returns true if it matches anywhere in the text; takes linear time. */
export type Expression = (text: string) => boolean

/**
 * Compiles a regular expression with the syntax of RE2, which the Go program has, too. Loads the package `re2js` at the
 * first call, so that servers without expressions do not need it.
 * @param place names the expression in errors, for example `Allowed sender emails`
 * @throws Error for the operator: `<place>: error parsing regexp: …`
 */
export async function compileExpression(source: string, place: string): Promise<Expression> {
  const { RE2JS } = await importOptional('re2js', `${place}: an expression`, () => import('re2js'))
  try {
    const pattern = RE2JS.compile(source)
    return text => pattern.test(text)
  } catch (error) {
    throw new Error(`${place}: ${(error as Error).message}`)
  }
}

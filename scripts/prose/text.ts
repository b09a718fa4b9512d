/** Extracts the prose of a file: comments, test titles, messages, the text of pages. */

/** Replaces each character that is not prose, so that no pattern matches across it. */
const masked = '¦'

/** A comment that begins with `#`, at the start of a line or after white space. */
const hashComment = /(?<=^|\s)#(?!!)[ \t].*$/gm

/** Calls whose first argument is a title. */
const titled = /\b(?:test|it|suite|describe)(?:\.\w+)?\(\s*$/

/** Three words in a row: a message, not an identifier. */
const sentence = /[A-Za-z]{2,}[,:;]? [A-Za-z'-]+[,:;]? [A-Za-z]/

/** The end of code after which a slash begins a regular expression; after other code it is a division. */
const beforeExpression = /(?:[([{,;=:?!&|+\-*%<>~^]|\b(?:return|typeof|case|of|in|do|else))\s*$|^\s*$/

const expression = /\/(?![*/])(?:[^\\/[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
const quoted = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y
const comment = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const template = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)?/y

/**
 * Returns the text of a file with everything masked that is not prose. It has the length and the lines of the file, so an
 * offset in it is an offset in the file. Code in back quotes is masked as well.
 * @param path its extension says how the file is read; messages are prose only in `src`
 * @returns undefined if files of this type have no prose
 */
export function proseOf(path: string, text: string): string | undefined {
  switch (/[^./]*$/.exec(path)![0]) {
    case 'ts':
    case 'mts':
    case 'mjs':
    case 'jsonc':
      return ofProgram(text, path.startsWith('src/'))
    case 'md':
      return ofPage(text)
    case 'smtp':
      return keep(text, /(?<=^Title: ).*$|(?<=^#).*$/gm)
    case 'yaml':
    case 'yml':
    case 'sh':
    case 'env':
    case 'conf':
    case 'service':
    case 'environment':
    case 'Dockerfile':
    case 'run':
      return keep(text, hashComment)
    default:
      return undefined
  }
}

function ofProgram(text: string, withMessages: boolean): string {
  const parts: string[] = []
  /** The open templates, from the outside in: open braces in the current expression, and whether the text is prose. */
  const templates: { braces: number; prose: boolean }[] = []
  let at = 0

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0]
  }
  const push = (part: string, prose: boolean) => {
    parts.push(prose ? withoutCode(part) : mask(part))
    at += part.length
  }
  const isProse = (part: string) =>
    titled.test(text.slice(Math.max(0, at - 60), at)) || (withMessages && sentence.test(part))
  const pushTemplate = (part: string, prose: boolean) => {
    push(part, prose)
    if (part.endsWith('${')) templates.push({ braces: 0, prose })
  }

  while (at < text.length) {
    const char = text[at]!
    const inside = templates.at(-1)
    let part: string | undefined
    if (char === '/' && (part = match(comment)) !== undefined) push(withoutMarks(part), true)
    else if (char === '/' && beforeExpression.test(lineBefore(text, at)) && (part = match(expression)))
      push(part, false)
    else if ((char === "'" || char === '"') && (part = match(quoted))) push(part, isProse(part))
    else if (char === '`') {
      at++
      const begun = match(template) ?? ''
      at--
      const prose = isProse(begun)
      push(char, false)
      pushTemplate(begun, prose)
    } else if (char === '}' && inside?.braces === 0) {
      templates.pop()
      push(char, false)
      pushTemplate(match(template) ?? '', inside.prose)
    } else {
      if (inside && char === '{') inside.braces++
      if (inside && char === '}') inside.braces--
      push(char, false)
    }
  }
  return parts.join('')
}

function lineBefore(text: string, at: number): string {
  return text.slice(text.lastIndexOf('\n', at - 1) + 1, at)
}

function ofPage(text: string): string {
  return withoutCode(
    text
      .replace(/^([ \t]*)(```|~~~)[\s\S]*?^\1\2[ \t]*$/gm, mask)
      .replace(/<!--[\s\S]*?-->/g, mask)
      .replace(/\]\([^)\n]*\)/g, mask)
      .replace(/\[[\w.-]+\/[\w./-]+(?=¦)/g, mask)
      .replace(/^\|[ |:-]+$/gm, mask)
      .replace(/^#.*$/gm, heading => heading.replace('Who', () => mask('Who'))),
  )
}

/** Masks everything that the pattern does not match. */
function keep(text: string, pattern: RegExp): string {
  const parts: string[] = []
  let end = 0
  for (const found of text.matchAll(pattern)) {
    parts.push(mask(text.slice(end, found.index)), withoutCode(found[0].replace(/^#/, ' ')))
    end = found.index + found[0].length
  }
  parts.push(mask(text.slice(end)))
  return parts.join('')
}

/** Replaces the marks of a comment by spaces. */
function withoutMarks(text: string): string {
  return text.replace(/^\/\/|^\/\*\*?|\*\/$/g, blank).replace(/^[ \t]*\*(?!\*)/gm, blank)
}

function withoutCode(text: string): string {
  return text.replace(/(`+)(?!`)[^`]*\1/g, mask).replace(/\{@link [^}]*\}/g, mask)
}

function blank(text: string): string {
  return ' '.repeat(text.length)
}

/** Keeps white space, so that lines can be counted and consecutive comments are one text. */
function mask(text: string): string {
  return text.replace(/\S/g, masked)
}

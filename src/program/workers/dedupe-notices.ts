/** How long the workers may take to notice the same thing: files are looked at every 5 seconds. */
const togetherMs = 15_000

/**
 * Says once what several speakers have to say. The same text is said again when somebody says it who has said it
 * already, or when it is old.
 * @param now milliseconds, as of `performance.now`
 */
export function dedupe(
  say: (text: string) => void,
  now = () => performance.now(),
): (text: string, speaker: number) => void {
  const said = new Map<string, { readonly at: number; readonly by: Set<number> }>()
  return (text, speaker) => {
    for (const [old, { at }] of said) if (now() - at > togetherMs) said.delete(old)
    const known = said.get(text)
    if (known !== undefined && !known.by.has(speaker)) return void known.by.add(speaker)
    said.set(text, { at: now(), by: new Set([speaker]) })
    say(text)
  }
}

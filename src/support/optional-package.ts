/**
 * Loads a package that not every installation needs.
 * @param name of the package
 * @param user what needs the package, in the operator's words, for example `The relay ses`
 * @param load imports the package
 * @throws Error for the operator if the package is not installed, else what the package throws while it loads
 */
export async function importOptional<T>(name: string, user: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const missing = code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${name}'`)
    throw missing ? new Error(`${user} needs the package ${name}, which is not installed`, { cause }) : cause
  }
}

/**
 * Loads a package that an installation may lack.
 * @param user what needs the package, in the words of an operator: `--admin`
 * @throws Error with a sentence for the operator if the package is not installed; otherwise the error of `load`
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

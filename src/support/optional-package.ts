/**
 * Loads a package that not every installation has to have.
 * @param user who needs it, as an operator knows it
 * @throws Error with a sentence for the operator where the package is not installed; what it throws itself otherwise
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

/** Errors of the system in words, without the name of the call and the path that Node puts into them. */

interface SystemError {
  message: string
  code?: unknown
  syscall?: unknown
}

/**
 * @returns the words of the system, `no such file or directory` of `ENOENT: no such file or directory, open 'x'`; of all
 *   else that is thrown, its message
 */
export function systemMessageOf(error: unknown): string {
  const { message, code, syscall } = error as SystemError
  const start = typeof code === 'string' ? `${code}: ` : undefined
  if (start === undefined || typeof syscall !== 'string' || !message.startsWith(start)) return message
  const end = message.lastIndexOf(`, ${syscall}`)
  return message.slice(start.length, end < 0 ? undefined : end)
}

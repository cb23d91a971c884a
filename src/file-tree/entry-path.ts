/** Paths as archives and people write them, made into the paths of a tree. */
import type { ByteString } from '../lib/byte-string.ts'
import { EntryProblem } from './entry-problem.ts'

/** Bytes a name may have between two slashes (NAME_MAX of Linux and of all file systems here). */
const NAME_MAX = 255

/**
 * The path relative to the root, without leading or trailing slashes, empty components and `.`; '' for the root.
 * @throws EntryProblem for an empty name, `..`, a component over 255 bytes or a NUL
 */
export function normalisePath(name: ByteString): ByteString {
  if (name === '') throw new EntryProblem('its name is empty')
  if (name.includes('\0')) throw new EntryProblem('its name contains a NUL')
  // In an archive of ".", every name begins so.
  const path = name.startsWith('./') ? name.slice(2) : name
  let clean = true
  for (let start = 0, end = 0; end < path.length; start = end + 1) {
    // Searching is native, looking at every character of a slice is slow.
    const slash = path.indexOf('/', start)
    end = slash === -1 ? path.length : slash
    const length = end - start
    if (length === 0 || (length === 1 && path[start] === '.')) {
      clean = false
    } else if (length === 2 && path[start] === '.' && path[start + 1] === '.') {
      throw new EntryProblem('its name has a ".." component')
    } else if (length > NAME_MAX) {
      throw new EntryProblem(`a component of its name has ${length} bytes, at most ${NAME_MAX} are possible`)
    }
  }
  if (clean) return path
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}

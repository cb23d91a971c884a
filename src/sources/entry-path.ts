/** Names in archives, made into the paths of a tree. */
import type { ByteString } from '../lib/byte-string.ts'
import { TarProblem } from './tar-format.ts'

/** Bytes a name may have between two slashes (NAME_MAX of Linux and of all file systems here). */
const NAME_MAX = 255
const SLASH = 0x2f
const DOT = 0x2e

/**
 * The path relative to the root, without leading or trailing slashes, empty components and `.`; '' for the root.
 * @throws TarProblem for an empty name, `..`, a component over 255 bytes or a NUL
 */
export function normalisePath(name: ByteString): ByteString {
  if (name === '') throw new TarProblem('its name is empty')
  let clean = true
  let start = 0
  for (let i = 0; i <= name.length; i++) {
    const char = i < name.length ? name.charCodeAt(i) : SLASH
    if (char === 0) throw new TarProblem('its name contains a NUL')
    if (char !== SLASH) continue
    const length = i - start
    if (length === 0 || (length === 1 && name.charCodeAt(start) === DOT)) {
      clean = false
    } else if (length === 2 && name.charCodeAt(start) === DOT && name.charCodeAt(start + 1) === DOT) {
      throw new TarProblem('its name has a ".." component')
    } else if (length > NAME_MAX) {
      throw new TarProblem(`a component of its name has ${length} bytes, at most ${NAME_MAX} are possible`)
    }
    start = i + 1
  }
  if (clean) return name
  return name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}

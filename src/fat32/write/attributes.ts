import type { DosChanges } from '../../file-tree/entry-rule.ts'
import { ATTR_ARCHIVE, ATTR_DIRECTORY, ATTR_HIDDEN, ATTR_READ_ONLY, ATTR_SYSTEM } from '../format.ts'

const BITS = {
  readonly: ATTR_READ_ONLY,
  hidden: ATTR_HIDDEN,
  system: ATTR_SYSTEM,
  archive: ATTR_ARCHIVE,
}

/** The bits of a directory entry. Files are new since the last backup, and read-only when nobody may write them. */
export function attributesOf(type: 'file' | 'directory', mode: number, changes: DosChanges = {}): number {
  const isReadOnly = (mode & 0o222) === 0
  let bits = type === 'directory' ? ATTR_DIRECTORY : ATTR_ARCHIVE | (isReadOnly ? ATTR_READ_ONLY : 0)
  for (const [name, bit] of Object.entries(BITS)) {
    const change = changes[name as keyof typeof BITS]
    if (change !== undefined) bits = change ? bits | bit : bits & ~bit
  }
  return bits
}

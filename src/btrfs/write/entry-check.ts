import type { SourceEntry, Xattr } from '../../file-tree/entry.ts'
import { DropLog, type UnsupportedPolicy } from '../../file-tree/unsupported.ts'
import { xattrFault } from '../../file-tree/xattr-rules.ts'
import { toDisplay } from '../../lib/byte-string.ts'
import { entryProblem, xattrProblem, type BtrfsLimits } from '../limits.ts'

const HINT = '(leave it out by a rule, or all of its kind with "unsupported": "drop")'

/** Finds what BTRFS cannot hold of an entry, and leaves it out where that is wanted. */
export class EntryCheck {
  /** For the entries to come. */
  policy: UnsupportedPolicy = 'error'
  readonly drops = new DropLog()
  readonly #limits: BtrfsLimits

  constructor(limits: BtrfsLimits) {
    this.#limits = limits
  }

  /** Why an entry cannot be stored. From one that can, what is to be left out is taken. */
  problemOf(entry: SourceEntry): string | undefined {
    // Another name has the properties of its inode, and its own are ignored.
    if ((entry.xattrs ?? entry.unsupported) && entry.type !== 'hardlink') {
      const problem = this.#checkProperties(entry) ?? this.#checkXattrs(entry)
      if (problem !== undefined) return problem
    }
    return entryProblem(entry, this.#limits)
  }

  #checkProperties(entry: SourceEntry): string | undefined {
    for (const { kind, name } of entry.unsupported ?? []) {
      if (this.policy === 'error') return `${name}, which BTRFS does not have ${HINT}`
      this.drops.add(kind, name, entry)
    }
    return undefined
  }

  #checkXattrs(entry: SourceEntry): string | undefined {
    const kept: Xattr[] = []
    for (const xattr of entry.xattrs ?? []) {
      const problem = xattrFault(xattr.name, xattr.value, entry.type) ?? xattrProblem(xattr, this.#limits)
      if (problem === undefined) kept.push(xattr)
      else if (this.policy === 'error') return `${problem} ${HINT}`
      else {
        const isAcl = xattr.name.startsWith('system.posix_acl_')
        this.drops.add(isAcl ? 'acls' : 'xattrs', `xattr ${JSON.stringify(toDisplay(xattr.name))}`, entry)
      }
    }
    if (kept.length === entry.xattrs?.length) return undefined
    entry.xattrs = kept.length > 0 ? kept : undefined
    return undefined
  }
}

/** A set of patterns: which paths one of them is for. */
import { EntryRules, isExcluded, type RuleScope } from '../file-tree/entry-rules.ts'
import type { ByteString } from '../lib/byte-string.ts'

export class PathGlobs {
  readonly #globs: readonly string[]
  readonly #rules: EntryRules
  /** Most paths lie in the same directory as the one before. Without a scope all of the directory is covered. */
  #last: { directory: ByteString; scope: RuleScope | undefined }

  constructor(globs: readonly string[]) {
    this.#globs = globs
    this.#rules = new EntryRules(
      globs.map((glob, index) => ({
        index,
        for: { glob },
        storage: {},
        flags: [],
        xattrs: new Map(),
        exclude: true,
      })),
    )
    this.#last = { directory: '', scope: this.#rules.scope }
  }

  /** Whether a pattern matches a path or a directory on the way to it. */
  cover(path: ByteString): boolean {
    if (path === '') return false
    const slash = path.lastIndexOf('/')
    const directory = path.slice(0, Math.max(0, slash))
    if (this.#last.directory !== directory) this.#last = { directory, scope: this.#scopeOf(directory) }
    const { scope } = this.#last
    return scope === undefined || isExcluded(scope, path.slice(slash + 1))
  }

  /** Indexes of the patterns that have matched nothing. */
  unused(): number[] {
    return this.#globs.flatMap((_, i) => (this.#rules.unused().some(({ index }) => index === i) ? [i] : []))
  }

  #scopeOf(directory: ByteString): RuleScope | undefined {
    let { scope } = this.#rules
    if (directory === '') return scope
    for (const name of directory.split('/')) {
      if (isExcluded(scope, name)) return undefined
      scope = scope.below(name)
    }
    return scope
  }
}

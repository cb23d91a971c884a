/** The entries that a rule of `paths` is for: one of the keys is given. */
export interface PathSelectionSpec {
  /** The rule applies to this path and everything below it; on BTRFS, as far as the subvolume that holds it reaches. */
  path?: string
  /** The rule applies to paths that match this pattern: `*`, `?`, `[a-z]`, and `**` for any directories. */
  glob?: string
  /** Leave the entry out, and everything below it. */
  exclude?: boolean
}

/** Store paths that a source brings, with everything decided. Paths of files on this machine are absolute. */
export type NixClosurePlan = {
  /** A text for Nix's database is written, too. */
  registration: boolean
} & (
  | {
      from: 'closureInfo'
      directory: string
      /** The directory that has the store paths. */
      store: string
    }
  | { from: 'paths'; paths: NixPathList; store: string }
  | {
      from: 'binaryCache'
      directory: string
      /** Store paths, their hashes, or names. */
      paths: NixPathList
      /** Each path must be signed by one of them; undefined: signatures are not verified. */
      trustedKeys: readonly string[] | undefined
    }
)

/** Store paths, or a file with one a line. */
export type NixPathList = readonly string[] | { file: string }

/** Names of entries and of unified kernel images, with the counter of boots in them. (systemd.io, "Automatic boot assessment") */

/** How often an entry may be tried before it counts as bad. */
export interface BootCounter {
  /** 0: it is bad, and comes last. */
  left: number
  /** Boots that have not been found good. */
  done: number
}

export interface EntryName {
  /** The name without the counter, like `debian-6.1.conf`: what `default` in loader.conf means. */
  id: string
  /** Undefined: it is not counted. */
  counter: BootCounter | undefined
}

/** Splits `nixos-generation-3+2-1.conf`. */
export function parseEntryName(fileName: string): EntryName {
  const found = /^(.*)\+(\d{1,9})(?:-(\d{1,9}))?(\.(?:conf|efi))$/i.exec(fileName)
  if (found === null) return { id: fileName, counter: undefined }
  const [, stem, left, done = '0', suffix] = found
  return { id: stem + suffix, counter: { left: Number(left), done: Number(done) } }
}

/**
 * The name of a file of an entry.
 *
 * @param stem the name without `.conf`
 * @param tries how often it may be booted before it counts as bad; undefined: it is not counted
 */
export function entryFileName(stem: string, tries: number | undefined): string {
  return tries === undefined ? `${stem}.conf` : `${stem}+${tries}.conf`
}

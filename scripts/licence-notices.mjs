/** Licences of packages that are put into files of this one: they ask for a notice in every copy. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** The file of notices beside the files that have packages in them. */
export const NOTICES = 'third-party-notices.txt'

/** The names of the packages that a bundle of esbuild has parts of, in order. */
export function packagesIn(metafile) {
  const names = Object.keys(metafile.inputs).flatMap(
    (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [],
  )
  return [...new Set(names)].sort()
}

/** @throws Error when a page bundles a package whose licence notice it does not have */
export function checkNotices(what, metafile, listed) {
  const unlisted = packagesIn(metafile).find((name) => !listed.includes(name))
  if (unlisted !== undefined) throw new Error(`${what} bundles ${unlisted}: list it for its licence notice`)
}

/** The licence of a package. */
export function notice(name) {
  const folder = join(ROOT, 'node_modules', name)
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  if (file === undefined) throw new Error(`${folder}: no licence; expected one, as the package is bundled`)
  return `${name}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
}

/** The text of a file of notices. */
export const noticesOf = (names) => names.map(notice).join('\n\n')

/**
 * Makes more archives for `closure.mjs --tar`, `workers.mjs --tar` and `bound.mjs --tar`, always the same bytes:
 * small.tar, of 200,000 small files (0.55 GB), and large.tar, of large ones (2.1 GB); and, from the packages of the
 * large closure (npm run fixture:closure), debian.tar: an arm64 root as dpkg lays it out.
 *
 * usage: node bench/make-inputs.mjs [folder]
 *
 * The folder is .cache/bench when none is given. What is there is made anew.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './diskwright.mjs'
import { makeDebianRoot } from './make-debian-root.mjs'
import { makeLargeFiles, makeSmallFiles } from './make-tar.mjs'

const folder = process.argv[2] ?? join(ROOT, '.cache', 'bench')
mkdirSync(folder, { recursive: true })
const inputs = {
  'small.tar': (path) => makeSmallFiles(path, { entries: 200_000, minSize: 300, maxSize: 3700 }),
  'large.tar': (path) => makeLargeFiles(path, { bytes: 2.1e9 }),
  'debian.tar': (path) => makeDebianRoot(path, join(ROOT, '.cache', 'closure', 'apt', 'cache', 'archives')),
}
for (const [name, make] of Object.entries(inputs)) {
  const path = join(folder, name)
  console.log(`${path}: ${((await make(path)) / 1e9).toFixed(2)} GB`)
}

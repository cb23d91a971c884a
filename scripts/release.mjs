/**
 * Makes the archive of a release: `diskwright-VERSION.tar.gz` holds the compiled library and command, the packages that
 * they need, and the Nix files with `flake.nix`. npm installs it offline, and it runs where it is unpacked. The same sources
 * give the same bytes. Its hashes are printed in the notation of Nix and npm.
 *
 * usage: node scripts/release.mjs [FOLDER]   (default: release/)
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'fflate'
import { ensureDependencies } from './ensure-dependencies.mjs'
import { filesBelow } from './files-below.mjs'
import { packedFiles } from './packed-files.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** What is in the archive besides the files of the package on npm. */
const NIX = ['flake.nix', 'nix']

/**
 * Packages that the library imports, as npm installs them: with those that they need in turn. Optional ones have native
 * parts, one for each platform, and stay out.
 */
export function productionPackages(lock) {
  return Object.entries(lock.packages)
    .filter(
      ([path, { dev, optional, devOptional, peer }]) => path && !dev && !optional && !devOptional && !peer,
    )
    .map(([path, { version }]) => ({ path, version }))
}

/** The packages that the library needs are part of the archive: npm must not look for them, nor for those of the tests. */
export function releaseManifest(manifest) {
  const left = Object.entries(manifest).filter(([key]) => !['devDependencies', 'scripts'].includes(key))
  return { ...Object.fromEntries(left), bundleDependencies: Object.keys(manifest.dependencies) }
}

/** The paths of the archive's files in this folder. */
function releaseFiles(packages) {
  for (const { path, version } of packages) {
    const installed = JSON.parse(readFileSync(join(ROOT, path, 'package.json'), 'utf8')).version
    if (installed !== version)
      throw new Error(`${path}: has version ${installed}, package-lock.json ${version}`)
  }
  const roots = [...NIX, ...packages.map(({ path }) => path)]
  const below = roots.flatMap((path) =>
    statSync(join(ROOT, path)).isDirectory()
      ? filesBelow(join(ROOT, path)).map((file) => `${path}/${file}`)
      : path,
  )
  return [...packedFiles(ROOT), ...below]
}

/**
 * The entries of the archive, in the order of their names and without the directories, which no reader of it needs.
 *
 * @param top the folder that all of them are in
 */
export function releaseEntries(top, manifest, lock) {
  const packages = productionPackages(lock)
  const programs = new Set(Object.values(manifest.bin))
  const contents = new Map(releaseFiles(packages).map((path) => [path, readFileSync(join(ROOT, path))]))
  contents.set('package.json', `${JSON.stringify(releaseManifest(manifest), null, 2)}\n`)
  return [...contents]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, content]) => ({
      path: `${top}/${path}`,
      type: 'file',
      mode: programs.has(path) ? 0o755 : 0o644,
      content,
    }))
}

async function main(folder = join(ROOT, 'release')) {
  ensureDependencies()
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: ROOT, stdio: ['ignore', 2, 2] })
  const { writeTar } = await import('../dist/tar/index.js')
  const read = (file) => JSON.parse(readFileSync(join(ROOT, file), 'utf8'))
  const manifest = read('package.json')
  const top = `diskwright-${manifest.version}`

  const pieces = []
  for await (const piece of writeTar(releaseEntries(top, manifest, read('package-lock.json'))))
    pieces.push(piece)
  // Node's zlib gives other bytes on other processors; this one does not.
  const archive = gzipSync(Buffer.concat(pieces), { level: 9, mtime: 0 })

  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${top}.tar.gz`)
  writeFileSync(`${path}.part`, archive)
  renameSync(`${path}.part`, path)
  const hash = (algorithm) => createHash(algorithm).update(archive).digest('base64')
  writeFileSync(`${path}.hash`, `sha256-${hash('sha256')}\n`)
  process.stdout.write(
    `${path}: ${archive.length} bytes\nsha256-${hash('sha256')}\nsha512-${hash('sha512')}\n`,
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv[2])

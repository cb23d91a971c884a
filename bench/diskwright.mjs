/** The command under test, as it was built (npm run build), and the archive most benchmarks take. */
import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runOnce } from './measure.mjs'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** The command line's program. */
export const COMMAND = join(ROOT, 'dist', 'cli', 'main.js')
/** The large closure. */
export const CLOSURE = join(ROOT, '.cache', 'closure', 'closure.tar')

/** The subvolumes of an image that is made with `--closure`. */
export const SUBVOLUMES = ['boot', 'gnu', 'home', 'nix', '.snapshots', 'var']

/** Shell: the same file system from the folder `root`, in a file that is large enough. */
export const mkfsRootdir = (mkfs, image) => `mkdir -p ${SUBVOLUMES.map((path) => `root/${path}`).join(' ')}
${mkfs} --quiet --rootdir root --shrink --compress zstd:3 \\
  ${SUBVOLUMES.map((path) => `--subvol rw:${path}`).join(' ')} --inode-flags nodatacow:boot ${image}`

const MIB = 2 ** 20

/** Fails where an archive is not there, with how to come by it. */
export function expectTar(path) {
  if (!existsSync(path)) throw new Error(`${path} is missing: npm run fixture:closure makes the closure`)
}

/**
 * Builds an image once.
 *
 * @param from what else the command line has: the description, or `--closure` and the archive
 * @param output the image; an existing one is replaced
 * @returns the figures of runOnce, and MiB: `out` that the output takes on disk, `img` of the image
 */
export function build(from, output) {
  const figures = runOnce([process.execPath, COMMAND, 'build', ...from, '--quiet', '--force', '-o', output])
  const { blocks, size } = statSync(output)
  const isCompressed = output.endsWith('.zst')
  return {
    ...figures,
    out: (isCompressed ? size : blocks * 512) / MIB,
    img: (isCompressed ? contentSize(output) : size) / MIB,
  }
}

/** Does only what lower-bound.mjs does, once. Returns the figures of runOnce. */
export function lowerBound(tar) {
  return runOnce([process.execPath, join(ROOT, 'bench', 'lower-bound.mjs'), tar])
}

/** What the frames add up to, in bytes. Frames that do not say so, as from a pipe, are decompressed. */
export function contentSize(path) {
  const text = execFileSync('zstd', ['-lv', path], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const stated = /Decompressed Size:.*\((\d+) B\)/.exec(text)
  return Number(
    stated?.[1] ?? execFileSync('sh', ['-c', 'zstd -dc "$0" | wc -c', path], { encoding: 'utf8' }),
  )
}

/** The images with which btrfs-progs tests its checker: broken in some way, or odd and yet sound. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newestBtrfs } from './btrfs-programs.ts'
import { missingJudge, mustRun, runTool } from './run-tool.ts'

/** Unpacked there by `scripts/install-judges.sh`. */
const IMAGES = fileURLToPath(new URL('../../.cache/judges/btrfs-images', import.meta.url))

/** Whether they are there; says so loudly when not. */
export function hasBtrfsImages(): boolean {
  return existsSync(IMAGES) || missingJudge('test images of btrfs-progs', 'see scripts/install-judges.sh')
}

/** Their names: paths below the folder of tests. */
export function btrfsImageNames(): string[] {
  if (!existsSync(IMAGES)) return []
  return readdirSync(IMAGES, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(img|raw)(\.xz)?$/.test(name))
    .sort()
}

/**
 * Makes a sparse file of an image; those without `.raw` are dumps of the metadata alone, made by btrfs-image.
 *
 * @param image where to
 */
export async function restoreBtrfsImage(name: string, image: string): Promise<void> {
  const stored = join(IMAGES, name)
  const read = name.endsWith('.xz') ? `xz -dc "$0"` : `cat "$0"`
  const isDump = !name.includes('.raw')
  const target = isDump ? `${image}.dump` : image
  await mustRun('sh', ['-c', `${read} | cp --sparse=always /dev/stdin "$1"`, stored, target])
  if (!isDump) return
  await mustRun(newestBtrfs()!.replace(/btrfs$/, 'btrfs-image'), ['-r', target, image])
  rmSync(target)
}

/**
 * The verdict and the output of the newest `btrfs check`. Some images make it crash: then they are not
 * sound.
 */
export async function btrfsCheckSays(
  image: string,
  options: readonly string[] = [],
): Promise<{ isSound: boolean; output: string }> {
  const args = ['check', '--readonly', ...options, image]
  try {
    const { code, stdout, stderr } = await runTool(newestBtrfs()!, args)
    return { isSound: code === 0, output: stdout + stderr }
  } catch (error) {
    if (!String(error).includes('killed by SIG')) throw error
    return { isSound: false, output: String(error) }
  }
}

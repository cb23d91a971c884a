/** Images that the Linux kernel and btrfs-progs make, of all that they write: what readers and checkers must cope with. */
import { toLatin1 } from '../../src/lib/byte-string.ts'
import { spawn } from 'node:child_process'
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newestBtrfs, newestMkfs } from '../judges/btrfs-programs.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { attachLoop, detachLoop } from '../judges/loop-device.ts'
import { withMount } from '../judges/mounted.ts'
import { findTool, mustRun, requireJudge, runTool } from '../judges/run-tool.ts'
import { findPython } from '../judges/walk.ts'
import { collidingNames } from './collisions.ts'

const POPULATE = fileURLToPath(new URL('populate.py', import.meta.url))
const MIB = 2 ** 20
const SIZE = 320 * MIB

/** How to make an image. */
export interface Recipe {
  /** Arguments for mkfs.btrfs besides the devices. */
  mkfs?: readonly string[]
  /** Options of mount(8). */
  mount?: string
  /** Does its work in the file system. */
  make?: (top: string, device: string, folder: string) => Promise<void>
  /** Works with what is no longer mounted. */
  afterwards?: (devices: readonly string[]) => Promise<void>
  /** The image is that of the first of so many devices. */
  devices?: number
  /** Copied while it is mounted: with a log tree. */
  isCut?: boolean
  /** Makes the file system, instead of mkfs.btrfs alone. */
  create?: (file: string, folder: string) => Promise<void>
}

/** Subjects of populate.py. */
type Subject =
  | ('files' | 'overwritten' | 'holes' | 'kinds' | 'many' | 'reflinks' | 'small_extents' | 'deleted')
  | ('swap' | 'logged')

const CONTENT: readonly Subject[] = ['files', 'overwritten', 'holes', 'reflinks']
const ALL: readonly Subject[] = [...CONTENT, 'kinds', 'many', 'small_extents', 'deleted']

async function populate(top: string, subjects: readonly Subject[]): Promise<void> {
  await mustRun(findPython()!, [POPULATE, top, ...subjects])
}

const populated = (subjects: readonly Subject[]) => (top: string) => populate(top, subjects)

const btrfs = (...args: readonly string[]) => mustRun(newestBtrfs()!, args)

function collisions(top: string): void {
  mkdirSync(join(top, 'collisions'))
  for (const name of collidingNames(5)) writeFileSync(join(top, 'collisions', toLatin1(name)), toLatin1(name))
}

async function collidingXattrs(top: string): Promise<void> {
  for (const name of collidingNames(3)) {
    await mustRun('setfattr', ['-n', `user.${name}`, '-v', toLatin1(name), join(top, 'collisions')])
  }
}

/** Subvolumes in subvolumes, snapshots of those that have others in them, deleted ones, one that was received. */
async function makeSubvolumes(top: string, folder: string): Promise<void> {
  const at = (...parts: string[]) => join(top, ...parts)
  const snapshot = (source: string, target: string, ...options: string[]) =>
    btrfs('subvolume', 'snapshot', ...options, at(source), at(target))
  for (const name of ['@', '@/inner', '@/inner/innermost', 'gone', '@/inner/gone']) {
    await btrfs('subvolume', 'create', at(name))
    await populate(at(name), ['files'])
  }
  mkdirSync(at('@/some/where/deep'), { recursive: true })
  await btrfs('subvolume', 'create', at('@/some/where/deep/down'))
  await snapshot('@', 'before', '-r')
  writeFileSync(at('@/files/text-10000'), 'changed')
  await snapshot('@', 'after')
  writeFileSync(at('after/files/text-8192'), 'changed as well')
  // A snapshot of a snapshot, and one that lies in its source.
  await snapshot('after', 'again')
  await snapshot('@', '@/self')
  await btrfs('subvolume', 'delete', '--commit-after', at('gone'))
  await btrfs('subvolume', 'delete', at('@/inner/gone'))
  // Moved and renamed, with what lies in it.
  await mustRun('mv', [at('@/some/where'), at('moved')])
  const stream = join(folder, 'stream')
  await btrfs('send', '-f', stream, at('before'))
  mkdirSync(at('received'))
  await btrfs('receive', '-f', stream, at('received'))
  await btrfs('subvolume', 'set-default', at('@'))
}

/** Starts to move everything, and stops before it is done, if it can. */
async function beginBalance(top: string): Promise<void> {
  await populate(top, ['files', 'many', 'small_extents'])
  await mustRun('sync', ['-f', top])
  const balance = spawn(newestBtrfs()!, ['balance', 'start', '--full-balance', top], { stdio: 'ignore' })
  const ended = new Promise((resolve) => balance.on('close', resolve))
  for (let attempt = 0; attempt < 200; attempt++) {
    const { code } = await runTool(newestBtrfs()!, ['balance', 'pause', top])
    if (code === 0 || balance.exitCode !== null) break
  }
  await ended
}

/** Snapshots of a subvolume between which files come, grow, change, get other names and go. */
async function makeSnapshots(top: string): Promise<void> {
  const at = (...parts: string[]) => join(top, '@', ...parts)
  await btrfs('subvolume', 'create', join(top, '@'))
  await populate(join(top, '@'), ['files', 'many', 'reflinks'])
  mkdirSync(at('notes'))
  for (let i = 0; i < 40; i++) {
    for (let j = 0; j < 20; j++) writeFileSync(at('notes', `${i}-${j}`), `note ${i} ${j}\n`.repeat(j * 20))
    appendFileSync(at('log'), `line ${i}\n`.repeat(3000))
    linkSync(at('log'), at('notes', `log-${i}`))
    if (i > 1) rmSync(at('notes', `${i - 2}-0`))
    if (i > 1) renameSync(at('notes', `${i - 2}-1`), at(`renamed-${i}`))
    await btrfs('subvolume', 'snapshot', '-r', join(top, '@'), join(top, `@-${i}`))
  }
  await btrfs('subvolume', 'delete', '--commit-after', join(top, '@-7'))
}

export const RECIPES = {
  default: { make: populated(ALL) },
  zstd: {
    mount: 'compress-force=zstd',
    make: async (top) => {
      await populate(top, ALL)
      collisions(top)
      await collidingXattrs(top)
    },
  },
  zlib: { mount: 'compress-force=zlib', make: populated([...CONTENT, 'small_extents']) },
  lzo: { mount: 'compress-force=lzo', make: populated([...CONTENT, 'small_extents']) },
  'dup data, xxhash64': { mkfs: ['-d', 'dup', '-m', 'dup', '--csum', 'xxhash'], make: populated(CONTENT) },
  'mixed, sha256': { mkfs: ['--mixed', '--csum', 'sha256'], make: populated(ALL) },
  'nodes of 64k, blake2b': {
    mkfs: ['-n', '65536', '--csum', 'blake2'],
    mount: 'max_inline=4000,compress=zstd:1',
    make: populated(ALL),
  },
  'nodes of 4k, single': { mkfs: ['-n', '4096', '-m', 'single', '-d', 'single'], make: populated(ALL) },
  'without features of today': {
    mkfs: ['-O', '^no-holes,^extref,^skinny-metadata,^free-space-tree'],
    mount: 'space_cache=v1',
    make: populated([...CONTENT, 'small_extents', 'deleted', 'many']),
  },
  'block group tree': { mkfs: ['-O', 'block-group-tree'], make: populated(CONTENT) },
  'no checksums, no inlining': { mount: 'nodatacow,max_inline=0', make: populated(CONTENT) },
  subvolumes: { make: (top, _, folder) => makeSubvolumes(top, folder) },
  snapshots: { mkfs: ['-n', '4096'], make: makeSnapshots },
  quota: {
    make: async (top) => {
      await btrfs('quota', 'enable', top)
      await populate(top, ['files', 'reflinks'])
      await btrfs('subvolume', 'snapshot', top, join(top, 'snapshot'))
      await btrfs('quota', 'rescan', '-w', top)
    },
  },
  'simple quota': { mkfs: ['-O', 'squota'], make: populated(['files', 'reflinks', 'deleted']) },
  balanced: {
    mount: 'compress=lzo',
    make: async (top) => {
      await populate(top, ['files', 'reflinks', 'many'])
      await btrfs('balance', 'start', '--full-balance', top)
    },
  },
  'balance begun': { make: beginBalance, mount: 'skip_balance' },
  defragmented: {
    make: async (top) => {
      await populate(top, ['files', 'small_extents', 'overwritten'])
      await btrfs('filesystem', 'defragment', '-r', '-czstd', top)
    },
  },
  'swap file': { make: populated(['swap', 'files']) },
  log: { make: populated(['files', 'logged']), isCut: true },
  'other fsid': {
    make: populated(['files']),
    afterwards: async ([first]) => {
      await mustRun(tune(), ['-m', first])
    },
  },
  'raid1 on two devices': { mkfs: ['-d', 'raid1', '-m', 'raid1'], devices: 2, make: populated(['files']) },
  'raid10 on two devices': { mkfs: ['-d', 'raid10', '-m', 'raid1'], devices: 2, make: populated(['files']) },
  'raid0 on one device': { mkfs: ['-d', 'raid0', '-m', 'raid0'], make: populated(['files']) },
  'rootdir, compressed': {
    create: async (file, folder) => {
      const options = ['--compress', 'zstd', '--subvol', 'many', '--subvol', 'ro:kinds/empty']
      await mkfsOf(newestMkfs()!, options, file, folder)
    },
  },
  'rootdir of the release': {
    create: (file, folder) => mkfsOf(findTool('mkfs.btrfs') ?? newestMkfs()!, [], file, folder),
  },
  converted: {
    create: async (file, folder) => {
      await mustRun('mkfs.ext4', ['-q', '-b', '4096', '-d', await rootDirectory(folder), file])
      await mustRun('btrfs-convert', [file])
    },
  },
  seed: {
    make: populated(['files']),
    afterwards: async ([first]) => {
      await mustRun(tune(), ['-S', '1', first])
    },
  },
} satisfies Record<string, Recipe>

export type RecipeName = keyof typeof RECIPES
export const RECIPE_NAMES = Object.keys(RECIPES) as RecipeName[]

export const recipeOf = (name: RecipeName): Recipe => RECIPES[name]

const tune = () => 'btrfstune'

/** A directory for programs that make file systems of one. */
export async function rootDirectory(folder: string): Promise<string> {
  const directory = join(folder, 'root')
  mkdirSync(directory)
  await mustRun(findPython()!, [POPULATE, directory, 'portable'])
  return directory
}

async function mkfsOf(program: string, options: readonly string[], file: string, folder: string) {
  await mustRun(program, ['-q', '-f', ...options, '--rootdir', await rootDirectory(folder), file])
}

/** Whether the images can be made here. */
export function canMakeImages(): boolean {
  return canJudgeWithKernel() && newestMkfs() !== undefined && requireJudge('setfattr')
}

/**
 * Makes an image: a BTRFS file system, without a partition table.
 *
 * @param folder for it, and what is needed meanwhile
 * @returns its path
 */
export async function makeImage(name: RecipeName, folder: string): Promise<string> {
  const { mkfs = [], mount = 'rw', make, create, afterwards, devices = 1, isCut } = recipeOf(name)
  const files = Array.from({ length: devices }, (_, i) =>
    join(folder, `${name.replace(/\W+/g, '-')}-${i}.img`),
  )
  for (const file of files) {
    closeSync(openSync(file, 'w'))
    truncateSync(file, SIZE)
  }
  const [image] = files
  if (create !== undefined) {
    await create(image, folder)
    return image
  }
  await mustRun(newestMkfs()!, ['-q', '-f', ...mkfs, ...files])
  const loops: string[] = []
  try {
    for (const file of files) loops.push(await attachLoop(file, { start: 0, size: SIZE }))
    if (devices > 1) await mustRun('btrfs', ['device', 'scan', ...loops])
    await withMount(loops[0], mount, folder, async (top) => {
      await make?.(top, loops[0], folder)
      if (isCut !== true) return
      copyFileSync(image, `${image}.cut`)
    })
  } finally {
    for (const loop of loops) await detachLoop(loop)
  }
  await afterwards?.(files)
  return isCut === true ? `${image}.cut` : image
}

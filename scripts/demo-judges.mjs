/** The outside tools that look at the demo's image. Each may be missing; none is needed to build. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  createReadStream,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const TOOL_PATH = [process.env.PATH ?? '', '/usr/local/sbin', '/usr/sbin', '/sbin'].join(delimiter)
/** The newest btrfs-progs, where scripts/install-judges.sh puts it. */
const BACKPORTS_BTRFS = fileURLToPath(new URL('../.cache/judges/btrfs-progs/bin/btrfs', import.meta.url))
const COPY_BLOCK = 1 << 20

/** A judge that cannot be asked here. */
class Missing extends Error {}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function need(...tools) {
  for (const name of tools) {
    if (!TOOL_PATH.split(delimiter).some((folder) => isExecutable(join(folder, name)))) {
      throw new Missing(`${name} is not installed`)
    }
  }
}

function run(command, ...args) {
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, PATH: TOOL_PATH, LC_ALL: 'C.UTF-8' },
    maxBuffer: 64 << 20,
  })
  if (error) throw error
  return { status, output: `${stdout}${stderr}` }
}

function mustRun(command, ...args) {
  const { status, output } = run(command, ...args)
  if (status !== 0) throw new Error(`${command}: exit code ${status}\n${output}`)
  return output
}

/** Copies a partition into a file of its own, holes where it is zeros. */
function extract(image, { start, size }, target) {
  const from = openSync(image, 'r')
  const to = openSync(target, 'w')
  try {
    const block = Buffer.alloc(COPY_BLOCK)
    const zeros = Buffer.alloc(COPY_BLOCK)
    for (let at = 0; at < size; at += COPY_BLOCK) {
      const length = readSync(from, block, 0, Math.min(COPY_BLOCK, size - at), start + at)
      if (block.compare(zeros, 0, length, 0, length) !== 0) writeSync(to, block, 0, length, at)
    }
    ftruncateSync(to, size)
  } finally {
    closeSync(from)
    closeSync(to)
  }
}

async function sha256(path) {
  const hash = createHash('sha256')
  for await (const piece of createReadStream(path)) hash.update(piece)
  return hash.digest('hex')
}

/** Throws when the files below two folders are not the same. */
function compareFolders(expected, found) {
  const names = readdirSync(expected, { recursive: true, withFileTypes: true })
  for (const entry of names.filter((each) => each.isFile())) {
    const path = join(entry.parentPath ?? entry.path, entry.name)
    const other = join(found, path.slice(expected.length))
    if (!readFileSync(path).equals(readFileSync(other))) throw new Error(`${other} differs from ${path}`)
  }
  const count = readdirSync(found, { recursive: true }).length
  if (count !== names.length) throw new Error(`expected ${names.length} files and folders, found ${count}`)
}

/** Mounts the subvolumes as a running system has them, and lets GNU tar compare every entry. */
function compareMounted({ image, closure, folder }, { start, size, subvolumes }) {
  if (process.getuid?.() !== 0) throw new Missing('it takes root')
  need('losetup', 'mount', 'umount', 'tar')
  const isKnown = () => readFileSync('/proc/filesystems', 'utf8').includes('\tbtrfs\n')
  if (!isKnown()) spawnSync('modprobe', ['btrfs'])
  if (!isKnown()) throw new Missing('this kernel has no BTRFS')
  const range = ['--offset', String(start), '--sizelimit', String(size)]
  const attached = run('losetup', '--find', '--show', '--read-only', ...range, image)
  if (attached.status !== 0) throw new Missing(`no loop device: ${attached.output.trim()}`)
  const device = attached.output.trim()
  const root = join(folder, 'mounted')
  mkdirSync(root)
  const mounted = []
  try {
    const placed = subvolumes.filter(({ path }) => path !== undefined)
    for (const { name, path } of placed.sort((a, b) => a.path.length - b.path.length)) {
      const point = join(root, path)
      const options = ['-t', 'btrfs', '-o', `ro,subvol=/${name}`, device, point]
      const { status, output } = run('mount', ...options)
      if (status !== 0 && /permission denied|File exists|not permitted/.test(output)) {
        throw new Missing(`it may not mount here: ${output.trim()}`)
      }
      if (status !== 0) throw new Error(`mount: exit code ${status}\n${output}`)
      mounted.push(point)
    }
    mustRun('tar', '--compare', '--numeric-owner', '--file', closure, '--directory', root)
    return `${placed.length} subvolumes mounted, GNU tar finds every entry as it is in the closure`
  } finally {
    for (const point of mounted.reverse()) run('umount', point)
    run('btrfs', 'device', 'scan', '--forget', device)
    run('losetup', '--detach', device)
  }
}

/** Each returns a remark, or throws: `Missing` when it cannot be asked, anything else when it disagrees. */
function judgesOf(demo) {
  const { image, packed, firmware, result, folder } = demo
  const fat = result.partitions.find(({ type }) => type === 'fat32')
  const btrfs = result.partitions.find(({ type }) => type === 'btrfs')
  const fatFile = join(folder, 'fat32')
  const btrfsFile = join(folder, 'btrfs')
  // --force: the file is a copy. Without it a file system of the same UUID that somebody has mounted is an error.
  const checkBtrfs = (tool) => {
    const version = mustRun(tool, '--version').split('\n')[0]
    for (const mode of ['--check-data-csum', '--mode=lowmem']) {
      const output = mustRun(tool, 'check', '--readonly', '--force', mode, btrfsFile)
      if (!output.includes('no error found')) throw new Error(output)
    }
    return `${version}, both modes, data checksums`
  }
  return {
    'sfdisk --verify': () => {
      need('sfdisk')
      const output = mustRun('sfdisk', '--verify', image)
      if (!output.includes('No errors detected')) throw new Error(output)
      return 'the partition table'
    },
    'fsck.fat -n': () => {
      need('fsck.fat')
      extract(image, fat, fatFile)
      const output = mustRun('fsck.fat', '-n', fatFile)
      return output.trim().split('\n').at(-1).replace(`${fatFile}: `, '')
    },
    mtools: () => {
      need('mcopy')
      const copied = join(folder, 'firmware')
      mkdirSync(copied)
      mustRun('mcopy', '-s', '-n', '-i', `${image}@@${fat.start}`, '::*', copied)
      compareFolders(firmware, copied)
      return 'copies the firmware files out, and they are equal'
    },
    'btrfs check': () => {
      need('btrfs')
      extract(image, btrfs, btrfsFile)
      return checkBtrfs('btrfs')
    },
    'btrfs check (newest)': () => {
      if (!isExecutable(BACKPORTS_BTRFS)) throw new Missing('scripts/install-judges.sh gets it')
      extract(image, btrfs, btrfsFile)
      return checkBtrfs(BACKPORTS_BTRFS)
    },
    'Linux kernel': () => compareMounted(demo, btrfs),
    'zstd -t': () => {
      need('zstd')
      mustRun('zstd', '-q', '-t', packed)
      return 'the compressed image'
    },
    'zstd -d': async () => {
      need('zstd')
      const unpacked = join(folder, 'unpacked.img')
      mustRun('zstd', '-q', '-d', '--sparse', packed, '-o', unpacked)
      const [expected, found] = [await sha256(image), await sha256(unpacked)]
      rmSync(unpacked)
      if (expected !== found) throw new Error(`expected sha256 ${expected}, found ${found}`)
      return 'gives the image that was built without compression, byte for byte'
    },
  }
}

/**
 * Asks one judge after the other.
 *
 * @param {{ image: string, packed: string, closure: string, firmware: string, result: object, folder: string }}
 *   demo the image in both forms, what it was made of, what the build said of it, a folder for copies
 * @yields {{ judge: string, verdict: 'agrees' | 'missing' | 'DISAGREES', text: string }}
 */
export async function* judgeAll(demo) {
  rmSync(demo.folder, { recursive: true, force: true })
  mkdirSync(demo.folder, { recursive: true })
  for (const [judge, ask] of Object.entries(judgesOf(demo))) {
    try {
      yield { judge, verdict: 'agrees', text: await ask() }
    } catch (error) {
      yield { judge, verdict: error instanceof Missing ? 'missing' : 'DISAGREES', text: error.message }
    }
  }
}

/**
 * How fast are images read, beside the tools that need root? Verifying beside btrfs check (with --check-data-csum),
 * extracting to a tar archive beside mounting and tar, printing a large file of an .img.zst beside decompressing all.
 *
 * usage: node bench/read.mjs [--image disk.img] [--rounds 3]
 *
 * Needs dist/ (npm run build) and GNU time; for the others root, loop devices, btrfs-progs, zstd. Without --image it
 * takes that of npm run demo; beside it must be its compressed form, with `.zst` added to the name. The partition is
 * the last one. Caches of the kernel are warm: this measures work, not disks.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { COMMAND, ROOT } from './diskwright.mjs'
import {
  compare,
  inTemporaryFolder,
  machine,
  mib,
  runOnce,
  seconds,
  settleMachine,
  table,
} from './measure.mjs'

const { values: options } = parseArgs({
  options: { image: { type: 'string' }, rounds: { type: 'string', default: '3' } },
})
const image = resolve(options.image ?? join(ROOT, '.cache', 'demo', 'demo.img'))
const packed = `${image}.zst`
for (const path of [image, packed]) {
  if (!existsSync(path)) throw new Error(`${path} is missing: npm run demo makes it`)
}

const diskwright = (...args) => [process.execPath, COMMAND, ...args]
const jsonOf = (...args) => {
  const [command, ...rest] = diskwright(...args, '--json')
  return JSON.parse(execFileSync(command, rest, { encoding: 'utf8', maxBuffer: 2 ** 30 }))
}
const has = (tool) => {
  try {
    execFileSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const isRoot = process.getuid?.() === 0

const partition = jsonOf('ls', image).partitions.at(-1)
const part = `${partition.number}:`
const largest = jsonOf('ls', image, part, '-R')
  .filter(({ type }) => type === 'file')
  .reduce((most, entry) => (entry.size > most.size ? entry : most))

await inTemporaryFolder(async (folder) => {
  const shell = (script, ...args) => runOnce(['bash', '-c', `set -o pipefail; ${script}`, 'bash', ...args])
  const outputs = join(folder, 'outputs')
  const tar = join(outputs, 'out.tar')
  const mountPoint = join(folder, 'mount')
  const device = isRoot
    ? execFileSync(
        'losetup',
        ['-f', '--show', '-r', '-o', partition.start, '--sizelimit', partition.size, image].map(String),
        { encoding: 'utf8' },
      ).trim()
    : undefined
  try {
    mkdirSync(outputs)
    mkdirSync(mountPoint)
    const contestants = {
      'verify .img': () => runOnce(diskwright('verify', image)),
      'verify .img.zst': () => runOnce(diskwright('verify', packed)),
      ...(device &&
        has('btrfs') && {
          'btrfs check --check-data-csum': () =>
            runOnce(['btrfs', 'check', '--readonly', '--check-data-csum', device]),
        }),
      'extract --tar, of .img': () =>
        runOnce(diskwright('extract', image, part, '--tar', tar, '--force', '--quiet')),
      'extract --tar, of .img.zst': () =>
        runOnce(diskwright('extract', packed, part, '--tar', tar, '--force', '--quiet')),
      ...(device && {
        // tar looks at no content when it sees /dev/null.
        'mount, tar -c, umount': () =>
          shell(
            'mount -o ro "$1" "$2" && tar -C "$2" --format=posix --xattrs -c . | cat > "$3"; umount "$2"',
            device,
            mountPoint,
            tar,
          ),
      }),
      [`cat of ${mib(largest.size / 2 ** 20)}, of .img.zst`]: () =>
        runOnce(diskwright('cat', packed, `${partition.number}:${largest.path}`)),
      ...(has('zstd') && { 'zstd -d of all': () => shell('zstd -dc "$1" | cat > /dev/null', packed) }),
    }
    const results = compare(contestants, Number(options.rounds), () => settleMachine(outputs))
    console.log(machine(image))
    const rows = [...results].map(([name, { wall, cpu, peak }]) => [
      name,
      seconds(wall),
      seconds(cpu),
      mib(peak),
    ])
    console.log(table([['', 'wall', 'CPU', 'peak memory'], ...rows]))
  } finally {
    if (device !== undefined) execFileSync('losetup', ['-d', device])
    rmdirSync(mountPoint)
  }
})

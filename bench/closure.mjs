/**
 * The whole job, from closure.tar to a compressed image: diskwright beside the best pipeline of separate tools that
 * needs no root (tar under fakeroot, mkfs.btrfs --rootdir, mkfs.vfat, sfdisk, dd, zstd), and beside root with a
 * loop mount. They take turns; the figures are medians.
 *
 * usage: node bench/closure.mjs [--rounds 5] [--tar closure.tar] [--mkfs mkfs.btrfs] [--no-loop]
 *
 * Needs GNU time, fakeroot, dosfstools, fdisk, zstd, and a mkfs.btrfs that knows --compress and --subvol (6.15 and
 * later). Without --tar it takes the large closure of `npm run fixture:closure`.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compare, runOnce, table } from './measure.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const COMMAND = join(ROOT, 'dist', 'cli', 'main.js')
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    tar: { type: 'string', default: join(ROOT, '.cache', 'closure', 'closure.tar') },
    mkfs: { type: 'string', default: 'mkfs.btrfs' },
    'no-loop': { type: 'boolean', default: false },
  },
})
if (!existsSync(options.tar)) throw new Error(`${options.tar} is missing: npm run fixture:closure makes it`)

const SUBVOLUMES = ['boot', 'gnu', 'home', 'nix', '.snapshots', 'var']
const folder = mkdtempSync(join(tmpdir(), 'bench-closure-'))

/** Puts partition images after a table; the last step of both peers. */
const ASSEMBLE = `
  size=$(stat -c %s btrfs.img)
  rm -f out.img && truncate -s $((513 * 1048576 + size)) out.img
  printf 'label: dos\\nstart=2048, size=1048576, type=c\\nstart=1050624, size=%s, type=83, bootable\\n' \\
    $((size / 512)) | sfdisk --quiet out.img
  rm -f fat.img && truncate -s 512M fat.img && mkfs.vfat -F 32 -n FIRMWARE fat.img > /dev/null
  dd if=fat.img of=out.img bs=1M seek=1 conv=notrunc,sparse status=none
  dd if=btrfs.img of=out.img bs=1M seek=513 conv=notrunc,sparse status=none
`

const ROOTLESS = `set -e
  rm -rf root btrfs.img out.img.zst
  mkdir root
  cat > in-fakeroot.sh <<'SCRIPT'
set -e
tar -xpf "$TAR" -C root
mkdir -p ${SUBVOLUMES.map((path) => `root/${path}`).join(' ')}
"$MKFS" --quiet --rootdir root --shrink --compress zstd:3 \\
  ${SUBVOLUMES.map((path) => `--subvol rw:${path}`).join(' ')} --inode-flags nodatacow:boot btrfs.img
SCRIPT
  truncate -s 8G btrfs.img
  fakeroot sh in-fakeroot.sh
  ${ASSEMBLE}
  zstd --quiet -3 -T0 out.img -o out.img.zst
  chmod -R u+w root && rm -rf root
`

const LOOP_MOUNT = `set -e
  rm -f btrfs.img out.img.zst && mkdir -p mnt
  truncate -s 8G btrfs.img && "$MKFS" --quiet btrfs.img
  mount -o loop,compress=zstd:3 btrfs.img mnt
  for path in ${SUBVOLUMES.join(' ')}; do btrfs subvolume create mnt/$path > /dev/null; done
  chattr +C mnt/boot
  tar -xpf "$TAR" -C mnt
  sync
  umount mnt
  ${ASSEMBLE}
  zstd --quiet -3 -T0 out.img -o out.img.zst
`

const shell = (script) => () => {
  const figures = runOnce(['bash', '-c', script], {
    cwd: folder,
    env: { TAR: options.tar, MKFS: options.mkfs, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  })
  return { ...figures, zst: sizeOf('out.img.zst'), img: sizeOf('out.img') }
}

function sizeOf(name) {
  return statSync(join(folder, name)).size / 2 ** 20
}

function diskwright() {
  const output = join(folder, 'ours.img.zst')
  const figures = runOnce([
    process.execPath,
    COMMAND,
    'build',
    '--closure',
    options.tar,
    '--quiet',
    '--force',
    '-o',
    output,
  ])
  return { ...figures, zst: sizeOf('ours.img.zst'), img: imageSize(output) }
}

/** What the frames add up to, as zstd counts them. */
function imageSize(path) {
  const text = execFileSync('zstd', ['-lv', path], { encoding: 'utf8' })
  return Number(/Decompressed Size:.*\((\d+) B\)/.exec(text)[1]) / 2 ** 20
}

const mib = (value) => `${value.toFixed(0)} MiB`
const seconds = (value) => `${value.toFixed(1)} s`

try {
  writeFileSync(join(folder, 'README'), 'Left-overs of a benchmark; delete.\n')
  const hasRoot = process.getuid() === 0 && !options['no-loop']
  const contestants = {
    diskwright,
    'fakeroot tar, mkfs.btrfs --rootdir, zstd': shell(ROOTLESS),
    ...(hasRoot ? { 'root: loop mount, tar, zstd': shell(LOOP_MOUNT) } : {}),
  }
  const results = compare(contestants, Number(options.rounds))
  const ours = results.get('diskwright')
  const rows = [...results].map(([name, { wall, cpu, peak, zst, img }]) => [
    name,
    seconds(wall),
    `${(wall / ours.wall).toFixed(1)}x`,
    seconds(cpu),
    mib(peak),
    mib(zst),
    mib(img),
  ])
  const mkfs = execFileSync(options.mkfs, ['--version'], { encoding: 'utf8' }).split('\n')[0]
  console.log(`${cpus().length} x ${cpus()[0].model}, Node ${process.versions.node}, ${mkfs}`)
  console.log(`${options.tar}: ${mib(statSync(options.tar).size / 2 ** 20)}\n`)
  console.log(table([['', 'wall', 'ratio', 'CPU', 'peak memory', '.img.zst', '.img'], ...rows]))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

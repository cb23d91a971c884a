/**
 * The whole job, from closure.tar to a compressed image: diskwright beside the best pipelines of separate tools that
 * need no root (tar under fakeroot or in a user namespace, mkfs.btrfs --rootdir, mkfs.vfat, sfdisk, dd, zstd), and
 * beside root with a loop mount. They take turns; the figures are medians. What they leave behind is removed between the
 * turns, which is not counted. peers.mjs measures genimage, systemd-repart and mkosi.
 *
 * usage: node bench/closure.mjs [--rounds 5] [--tar closure.tar] [--mkfs mkfs.btrfs] [--no-loop] [--bound]
 *
 * With --bound the lower bound of the CPU time is measured as well, in the same rounds (see lower-bound.mjs).
 * make-inputs.mjs makes other archives.
 *
 * Needs dist/ (npm run build), GNU time, fakeroot, dosfstools, fdisk, zstd, and a mkfs.btrfs newer than 6.14, which
 * knows --compress, --subvol and --inode-flags. Without --tar it takes the large closure of
 * `npm run fixture:closure`.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build, CLOSURE, expectTar, lowerBound, mkfsRootdir, SUBVOLUMES } from './diskwright.mjs'
import {
  compare,
  inTemporaryFolder,
  machine,
  pipelineTable,
  runOnce,
  seconds,
  settleMachine,
} from './measure.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    tar: { type: 'string', default: CLOSURE },
    mkfs: { type: 'string', default: 'mkfs.btrfs' },
    'no-loop': { type: 'boolean', default: false },
    bound: { type: 'boolean', default: false },
  },
})
expectTar(options.tar)

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

/** @param asRoot the command that runs another one as a root that owns what it unpacks */
const rootless = (asRoot) => `set -e
  mkdir root
  cat > as-root.sh <<'SCRIPT'
set -e
tar -xpf "$TAR" -C root
${mkfsRootdir('"$MKFS"', 'btrfs.img')}
SCRIPT
  truncate -s 8G btrfs.img
  ${asRoot} sh as-root.sh
  ${ASSEMBLE}
  zstd --quiet -3 -T0 out.img -o out.img.zst
`

const LOOP_MOUNT = `set -e
  mkdir -p mnt
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

/** Needs a range of ids in /etc/subuid and /etc/subgid. */
const NAMESPACE = ['unshare', '--map-root-user', '--map-auto']

const mkfsVersion = execFileSync(options.mkfs, ['--version'], { encoding: 'utf8' }).split('\n')[0]
const LOWER_BOUND = 'lower bound'

await inTemporaryFolder((folder) => {
  const sizeOf = (name) => statSync(join(folder, name)).size / 2 ** 20
  const shell = (script) => () => {
    const figures = runOnce(['bash', '-c', script], {
      cwd: folder,
      env: { TAR: resolve(options.tar), MKFS: options.mkfs, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    })
    return { ...figures, out: sizeOf('out.img.zst'), img: sizeOf('out.img') }
  }
  const hasRoot = process.getuid() === 0 && !options['no-loop']
  const inNamespace = (...command) =>
    spawnSync(NAMESPACE[0], [...NAMESPACE.slice(1), ...command]).status === 0
  const hasNamespaces = inNamespace('true')
  const contestants = {
    diskwright: () => build(['--closure', options.tar], join(folder, 'ours.img.zst')),
    'fakeroot tar, mkfs.btrfs --rootdir, zstd': shell(rootless('fakeroot')),
    ...(hasNamespaces
      ? { 'user namespace: tar, mkfs.btrfs --rootdir, zstd': shell(rootless(NAMESPACE.join(' '))) }
      : {}),
    ...(hasRoot ? { 'root: loop mount, tar, zstd': shell(LOOP_MOUNT) } : {}),
    ...(options.bound ? { [LOWER_BOUND]: () => lowerBound(options.tar) } : {}),
  }
  const results = compare(contestants, Number(options.rounds), () => {
    // Some of these files belong to other ids of the namespace, and only its root can remove them.
    inNamespace('rm', '-rf', join(folder, 'root'))
    settleMachine(folder)
  })
  const bound = results.get(LOWER_BOUND)
  results.delete(LOWER_BOUND)
  const ours = results.get('diskwright')
  console.log(`${machine(options.tar)}${mkfsVersion}\n`)
  console.log(pipelineTable(results))
  if (bound !== undefined) {
    const ratio = (ours.cpu / bound.cpu).toFixed(2)
    console.log(`\nLower bound: ${seconds(bound.cpu)} CPU; diskwright takes ${ratio} times as much.`)
  }
})

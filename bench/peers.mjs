/**
 * The whole job, from closure.tar to a compressed image: diskwright beside genimage, systemd-repart and mkosi, each
 * with a configuration for the same image, in which mkfs.btrfs --rootdir writes BTRFS. They take turns; the figures are
 * medians. What they leave behind is removed between the turns, which is not counted.
 *
 * usage: node bench/peers.mjs [--rounds 3] [--tar closure.tar] [--peer NAME]... [--keep FOLDER]
 *
 * --peer takes genimage, systemd-repart or mkosi; without it, all of them are measured. --keep leaves the images of the
 * last round in a folder, for `diskwright diff` and `btrfs check`.
 *
 * Needs dist/ (npm run build), root, GNU time, dosfstools, mtools, zstd, genimage, systemd-repart 257 or newer, which
 * knows Compression=, mkosi, and a mkfs.btrfs newer than 6.14 in /usr/sbin. In place of root, a user namespace is enough
 * for all but mkosi: `unshare --map-root-user --map-auto node bench/peers.mjs`. All of them work in TMPDIR: if it is a
 * tmpfs (14 GiB), the figures do not depend on a disk.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build, CLOSURE, contentSize, expectTar, mkfsRootdir, SUBVOLUMES } from './diskwright.mjs'
import { compare, inTemporaryFolder, machine, pipelineTable, runOnce, settleMachine } from './measure.mjs'

/** Without CopyFiles= of their own, systemd-repart leaves out /boot, because there is an ESP, and what is in /run. */
const REPART = {
  'repart.d/10-firmware.conf': `[Partition]
Type=esp
Label=FIRMWARE
Format=vfat
SizeMinBytes=512M
SizeMaxBytes=512M
`,
  'repart.d/20-root.conf': `[Partition]
Type=root-arm64
Format=btrfs
CopyFiles=/
CopyFiles=/boot
CopyFiles=/run/wrappers
MakeDirectories=${SUBVOLUMES.map((path) => `/${path}`).join(' ')}
Subvolumes=${SUBVOLUMES.map((path) => (path === 'boot' ? '/boot:nodatacow' : `/${path}`)).join(' ')}
Compression=zstd
CompressionLevel=3
Minimize=best
`,
}

/**
 * name -> version: the command that prints it; files: what it is configured with; script: makes `image`, of which `raw`
 * is the uncompressed form, where there is one.
 */
const PEERS = {
  genimage: {
    version: ['genimage', '--version'],
    files: {
      // genimage has to know the size of a `btrfs` image of its own beforehand. So mkfs.btrfs runs first, as in Buildroot.
      'genimage.cfg': `image disk.img {
	hdimage {
		align = 1M
	}
	partition firmware {
		partition-type = 0xC
		image = "firmware.vfat"
	}
	partition root {
		partition-type = 0x83
		bootable = true
		image = "root.btrfs"
	}
}
image firmware.vfat {
	vfat {
		label = "FIRMWARE"
		extraargs = "-F 32"
	}
	empty = true
	size = 512M
}
`,
    },
    script: `set -e
mkdir root none
tar -xpf "$TAR" -C root
truncate -s 8G root.btrfs
${mkfsRootdir('mkfs.btrfs', 'root.btrfs')}
genimage --config genimage.cfg --rootpath none --inputpath . --outputpath . --tmppath tmp
zstd --quiet -3 -T0 disk.img -o disk.img.zst
`,
    raw: 'disk.img',
    image: 'disk.img.zst',
  },
  'systemd-repart': {
    version: ['systemd-repart', '--version'],
    files: REPART,
    script: `set -e
mkdir root
tar -xpf "$TAR" -C root
systemd-repart --root="$PWD/root" --definitions=repart.d --empty=create --size=auto --offline=yes --dry-run=no \\
  "$PWD/disk.img"
zstd --quiet -3 -T0 disk.img -o disk.img.zst
`,
    raw: 'disk.img',
    image: 'disk.img.zst',
  },
  mkosi: {
    version: ['mkosi', '--version'],
    files: {
      ...REPART,
      // mkosi refuses a tree without this file.
      'os-release': 'ID=nixos\nNAME=NixOS\n',
      'mkosi.conf': `[Distribution]
Distribution=custom

[Output]
Format=disk
Output=disk
RepartDirectories=repart.d
CompressOutput=zstd
CompressLevel=3

[Content]
SkeletonTrees=os-release:/usr/lib/os-release
Bootable=no
CleanPackageMetadata=no

[Build]
BuildSources=
`,
    },
    script: 'mkosi --base-tree="$TAR" --workspace-directory="$PWD" build',
    image: 'disk.raw.zst',
  },
}

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    tar: { type: 'string', default: CLOSURE },
    peer: { type: 'string', multiple: true, default: Object.keys(PEERS) },
    keep: { type: 'string' },
  },
})
expectTar(options.tar)
for (const name of options.peer) if (!(name in PEERS)) throw new Error(`--peer ${name}: not known`)

const firstLine = ([command, ...args]) => execFileSync(command, args, { encoding: 'utf8' }).split('\n')[0]

await inTemporaryFolder((folder) => {
  const keep = (name, path) => {
    if (options.keep === undefined) return
    mkdirSync(options.keep, { recursive: true })
    copyFileSync(path, join(options.keep, `${name}.img.zst`))
  }
  const peer = (name) => () => {
    const { files, script, raw, image } = PEERS[name]
    mkdirSync(join(folder, 'repart.d'))
    for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text)
    const figures = runOnce(['bash', '-c', script], {
      cwd: folder,
      env: { TAR: resolve(options.tar), PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    })
    const path = join(folder, image)
    keep(name, path)
    const imageSize = raw === undefined ? contentSize(path) : statSync(join(folder, raw)).size
    return { ...figures, out: statSync(path).size / 2 ** 20, img: imageSize / 2 ** 20 }
  }
  const results = compare(
    {
      diskwright: () => {
        const path = join(folder, 'ours.img.zst')
        const figures = build(['--closure', options.tar], path)
        keep('diskwright', path)
        return figures
      },
      ...Object.fromEntries(options.peer.map((name) => [name, peer(name)])),
    },
    Number(options.rounds),
    () => settleMachine(folder),
  )
  console.log(machine(options.tar))
  for (const name of options.peer) console.log(`${name}: ${firstLine(PEERS[name].version)}`)
  console.log(`${firstLine(['mkfs.btrfs', '--version'])}\n`)
  console.log(pipelineTable(results))
})

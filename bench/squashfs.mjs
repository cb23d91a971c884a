/**
 * The time from a tar archive to an image, beside tar2sqfs, a C program that makes another file system of the same
 * archive: read-only, zstd level 3 in blocks of 128 KiB, no second copies. They take turns; the figures are medians.
 *
 * usage: node bench/squashfs.mjs [--rounds 5] [--tar FILE]...
 *
 * Without --tar it takes the large closure (npm run fixture:closure) and the archives of make-inputs.mjs.
 *
 * Needs dist/ (npm run build), GNU time and tar2sqfs (squashfs-tools-ng).
 */
import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { build, CLOSURE, expectTar, ROOT } from './diskwright.mjs'
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
  options: {
    rounds: { type: 'string', default: '5' },
    tar: { type: 'string', multiple: true },
  },
})
const made = ['small.tar', 'large.tar', 'debian.tar'].map((name) => join(ROOT, '.cache/bench', name))
const tars = options.tar ?? [CLOSURE, ...made.filter((path) => existsSync(path))]
tars.forEach(expectTar)

const TAR2SQFS = `tar2sqfs -q -f -c zstd -X level=3 -b 128K -j ${cpus().length} "$0" < "$1"`

await inTemporaryFolder((folder) => {
  const rows = []
  for (const tar of tars) {
    const buildTo = (name) => () => build(['--closure', tar], join(folder, name))
    const results = compare(
      {
        tar2sqfs: () => runOnce(['sh', '-c', TAR2SQFS, join(folder, 'out.sqfs'), tar]),
        'diskwright, .img': buildTo('out.img'),
        'diskwright, .img.zst': buildTo('out.img.zst'),
      },
      Number(options.rounds),
      () => settleMachine(folder),
    )
    for (const [name, { wall, cpu, peak }] of results) {
      rows.push([basename(tar), name, seconds(wall), seconds(cpu), mib(peak)])
    }
  }
  console.log(machine())
  console.log(table([['', '', 'wall', 'CPU', 'peak memory'], ...rows]))
})

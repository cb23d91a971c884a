import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PartedPartition } from './parted.ts'
import { missingJudge, requireJudge, runTool } from './run-tool.ts'

/**
 * User Mode Linux: a Linux kernel that runs as a program. Unlike the machine's own, it always has the parsers of
 * partition tables, and vfat. Its root is that of this machine (hostfs), so that all programs are there.
 */

/** Made by `scripts/install-judges.sh`. */
const UML_FOLDER = fileURLToPath(new URL('../../.cache/judges/uml/', import.meta.url))

export function canRunUml(): boolean {
  const why = 'not unpacked; see scripts/install-judges.sh'
  const isThere = existsSync(join(UML_FOLDER, 'linux')) || missingJudge('User Mode Linux', why)
  return isThere && requireJudge('insmod')
}

const BEGIN = '@@@ begin'
const END = '@@@ end'

/**
 * Runs a shell script as the init process of a kernel with `image` as its disk, /dev/ubda.
 *
 * @returns what it prints
 * @throws Error with all output when a command of it fails
 */
export async function runInUml(image: string, script: string, { readOnly = true } = {}): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-uml-'))
  try {
    const [init, steps] = [join(folder, 'init'), join(folder, 'steps')]
    writeFileSync(steps, script)
    writeFileSync(
      init,
      `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev 2> /dev/null
echo '${BEGIN}'
sh -e ${steps} 2>&1 && echo '${END}'
sync
halt -f -p
`,
    )
    chmodSync(init, 0o755)
    const { stdout, stderr } = await runTool(join(UML_FOLDER, 'linux'), [
      ...['root=/dev/root', 'rootfstype=hostfs', 'rootflags=/', 'rw', 'mem=128M', 'quiet', 'loglevel=3'],
      ...[`ubd0${readOnly ? 'r' : ''}=${image}`, `init=${init}`, 'con=null', 'con0=null,fd:1'],
    ])
    const output = stdout.replaceAll('\r', '')
    const found = new RegExp(`${BEGIN}\n(.*)${END}\n`, 's').exec(output)
    if (found === null) throw new Error(`in User Mode Linux:\n${script}\n${output}${stderr}`)
    return found[1]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The partitions that the kernel finds, with their names in a GPT. Bytes. */
export async function kernelPartitions(image: string): Promise<(PartedPartition & { name: string })[]> {
  const output = await runInUml(
    image,
    `for p in /sys/block/ubda/ubda*; do
      [ -e "$p/partition" ] || continue
      echo "$(cat "$p/partition") $(cat "$p/start") $(cat "$p/size") $(sed -n 's/^PARTNAME=//p' "$p/uevent")"
    done`,
  )
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, number, start, size, name] = /^(\d+) (\d+) (\d+) (.*)$/.exec(line)!
      return { number: Number(number), start: Number(start) * 512, size: Number(size) * 512, name }
    })
    .sort((a, b) => a.number - b.number)
}

/** A file or directory as the kernel's vfat shows it. */
export interface VfatEntry {
  path: string
  /** Of the content in hexadecimal digits; undefined for directories. */
  sha256: string | undefined
  /** Seconds since 1970. */
  mtime: number
}

const MOUNT_VFAT = (device: string, options: string) => `
  for m in fat vfat nls_cp437 nls_cp850 nls_ascii nls_iso8859-1 nls_utf8; do insmod ${UML_FOLDER}$m.ko 2> /dev/null || true; done
  mkdir -p /run/vfat; mount -t tmpfs tmpfs /run/vfat; mkdir /run/vfat/m
  mount -t vfat -o ${options},utf8=1,tz=UTC ${device} /run/vfat/m
  cd /run/vfat/m`

/** Everything that vfat finds on a file system, by path. @param device `/dev/ubda`, or `/dev/ubda1` for a partition */
export async function vfatEntries(image: string, device = '/dev/ubda', codepage = 437): Promise<VfatEntry[]> {
  const output = await runInUml(
    image,
    `${MOUNT_VFAT(device, `ro,codepage=${codepage}`)}
    find . -mindepth 1 -printf '%T@ %y %P\\n' | while read -r time type path; do
      if [ "$type" = d ]; then sum=-; else sum=$(sha256sum "$path" | cut -d ' ' -f 1); fi
      echo "\${time%.*} $sum $path"
    done`,
  )
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, mtime, sum, path] = /^(\d+) (\S+) (.*)$/.exec(line)!
      return { path, sha256: sum === '-' ? undefined : sum, mtime: Number(mtime) }
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

/**
 * Has vfat write to a file system until it is full, and delete half of it again.
 *
 * @returns bytes that were free before, by df, and that could be written
 */
export async function fillVfat(
  image: string,
  device = '/dev/ubda',
): Promise<{ free: number; written: number }> {
  const output = await runInUml(
    image,
    `${MOUNT_VFAT(device, 'rw')}
    df --output=avail -B1 . | tail -n 1
    mkdir 'some new files'; cd 'some new files'
    i=0; while [ $i -lt 40 ]; do
      mkdir "new directory $i"; head -c 5000 /dev/zero > "new directory $i/a new file" || break; i=$((i+1))
    done 2> /dev/null
    dd if=/dev/zero of=filler bs=64k 2> /dev/null || true
    du --apparent-size -B1 -c filler new* | tail -n 1
    rm -r new*0 new*1; cd /; umount /run/vfat/m`,
    { readOnly: false },
  )
  const [free, written] = output.split('\n').map((line) => Number.parseInt(line, 10))
  return { free, written }
}

/** An image to build with the package: what is in it takes most of the code that is not Node's own. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { noise, text } from '../images/build.ts'
import { buildTar } from '../tar/build-tar.ts'

/** All kinds of compression and checksums that have WebAssembly or JavaScript in the package. */
const DESCRIPTION = {
  seed: 'package',
  table: { type: 'gpt' },
  partitions: [
    { type: 'fat32', size: '40MiB', label: 'FIRMWARE', sources: [{ tar: 'root.tar', unsupported: 'drop' }] },
    {
      type: 'btrfs',
      size: 'fit',
      compression: 'zstd:3',
      checksum: 'blake2b',
      paths: [
        { path: '/zlib', compression: 'zlib:6' },
        { path: '/lzo', compression: 'lzo' },
      ],
      sources: [{ tar: 'root.tar' }],
    },
  ],
}
const ROOT = ['zstd', 'zlib', 'lzo'].flatMap((folder) => [
  { path: `${folder}/text`, type: 'file' as const, content: text(700_000, folder.length) },
  { path: `${folder}/noise`, type: 'file' as const, content: noise(300_000, folder.length) },
])

/** Writes `spec.json` and the archive that it names. */
export function writeSample(folder: string): void {
  writeFileSync(join(folder, 'spec.json'), JSON.stringify(DESCRIPTION))
  writeFileSync(join(folder, 'root.tar'), buildTar(ROOT))
}

export const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

// Puts a tree together in memory with the calls of node:fs, and makes an image of it.
// usage: node examples/zenfs-source.mjs disk.img
import { configure, fs, InMemory } from '@zenfs/core'
import { buildImage } from 'diskwright'

const [output = 'disk.img'] = process.argv.slice(2)

await configure({ mounts: { '/': InMemory } })
await fs.promises.mkdir('/etc')
await fs.promises.writeFile('/etc/hostname', 'zen\n')
await fs.promises.writeFile('/init', '#!/bin/sh\nexec sh\n')
await fs.promises.chmod('/init', 0o755)
await fs.promises.symlink('etc/hostname', '/name')

const { partitions } = await buildImage(
  {
    table: { type: 'mbr' },
    partitions: [{ type: 'btrfs', size: 'fit', sources: [{ zenfs: fs, clampTime: '2024-05-01' }] }],
  },
  { output, force: true },
)
const [{ files, symlinks }] = partitions
console.log(`${output}: ${files} files, ${symlinks} symlink`)

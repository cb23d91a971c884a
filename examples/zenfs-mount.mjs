// Reads a partition of an image through ZenFS, with the calls of node:fs.
// usage: node examples/zenfs-mount.mjs disk.img.zst ROOT
import { configure, fs } from '@zenfs/core'
import { Btrfs } from 'diskwright/zenfs'

const [image, partition] = process.argv.slice(2)

await configure({ mounts: { '/image': { backend: Btrfs, image, partition } } })
for (const name of await fs.promises.readdir('/image')) {
  const { mode, size, mtime } = await fs.promises.lstat(`/image/${name}`)
  console.log(mode.toString(8), size, mtime.toISOString(), name)
}
fs.umount('/image')

// Makes an image of a directory that belongs to an ordinary user: a manifest says what root would have made of it.
// usage: node examples/root-of-a-directory.mjs DIRECTORY root.mtree disk.img
import { buildImage } from 'diskwright'

const [directory, manifest, output] = process.argv.slice(2)

const { partitions } = await buildImage(
  {
    time: '2024-05-01',
    table: { type: 'mbr' },
    partitions: [
      {
        type: 'fat32',
        size: '64MiB',
        sources: [{ files: { '/config.txt': 'arm_64bit=1\n', '/ssh': '' } }],
      },
      {
        type: 'btrfs',
        size: 'fit',
        sources: [
          { directory, manifest, exclude: ['/tmp/**'], clamp: true },
          { files: { '/etc/hostname': 'nixpi\n', '/etc/motd': { content: 'Hello\n', mode: '0444' } } },
        ],
      },
    ],
  },
  { output, force: true },
)
for (const { number, type, files } of partitions) console.log(`${number}: ${type}, ${files} files`)

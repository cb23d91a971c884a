// Makes a disk image of a container image: what `docker save`, `skopeo copy` or `docker buildx --output type=oci` wrote.
// usage: node examples/container-image.mjs image.tar linux/arm64 disk.img.zst
import { buildImage, formatFinding } from 'diskwright'

const [oci, platform, output] = process.argv.slice(2)

const { partitions, findings } = await buildImage(
  {
    seed: 'container-image',
    table: { type: 'mbr' },
    partitions: [
      {
        type: 'btrfs',
        label: 'ROOT',
        size: 'fit',
        compression: 'zstd:3',
        subvolumes: [{ name: '@', path: '/' }],
        sources: [{ oci, platform }],
      },
    ],
  },
  { output },
)
for (const finding of findings) console.log(formatFinding(finding))
for (const { files, size } of partitions) console.log(`${output}: ${files} files in ${size} bytes`)

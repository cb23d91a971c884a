// Makes an image of a tar archive of any dialect (V7, ustar, GNU, pax, star) in any compression, also several archives in
// one file. Owners are those that the archive's own /etc/passwd and /etc/group name; what BTRFS cannot hold is left out.
// usage: node examples/tar-dialects.mjs root.tar.xz disk.img
import { buildImage, formatFinding } from 'diskwright'

const [tar, output] = process.argv.slice(2)

const { partitions, findings } = await buildImage(
  {
    table: { type: 'mbr' },
    partitions: [
      {
        type: 'btrfs',
        size: 'fit',
        sources: [{ tar, concatenated: true, resolveNames: true, unsupported: 'drop' }],
      },
    ],
  },
  { output },
)
for (const finding of findings) console.log(formatFinding(finding))
for (const { files, dropped } of partitions) {
  console.log(`${output}: ${files} files; dropped: ${JSON.stringify(dropped)}`)
}

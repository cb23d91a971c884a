// Makes an image of what `btrfs send` wrote: a full stream, then incremental ones. `btrfs receive` goes on from there.
// usage: node examples/send-streams.mjs home.img full.stream [incremental.stream ...]
import { buildImage, formatFinding } from 'diskwright'

const [output, ...send] = process.argv.slice(2)

const { partitions, findings } = await buildImage(
  {
    seed: 'send-streams',
    table: { type: 'mbr' },
    partitions: [
      {
        type: 'btrfs',
        size: 'fit',
        subvolumes: [{ name: 'home', path: '/home', readOnly: true }],
        sources: [{ send, to: '/home' }],
      },
    ],
  },
  { output },
)
for (const finding of findings) console.log(formatFinding(finding))
const { files, subvolumes } = partitions[0]
console.log(`${output}: ${files} files, received UUID ${subvolumes[1].receivedUuid}`)

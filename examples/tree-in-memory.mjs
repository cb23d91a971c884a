// Builds a bootable-looking image from a tree that exists only in this program.
// usage: node examples/tree-in-memory.mjs disk.img
import { buildImage, formatFinding, openImage } from 'diskwright'

const [output = 'disk.img'] = process.argv.slice(2)

async function* tree() {
  yield { path: '/etc/os-release', type: 'file', content: 'NAME=example\n' }
  yield { path: '/var/log', type: 'directory', mode: 0o755 }
  for (let day = 1; day <= 31; day++) {
    const content = `2026-03-${String(day).padStart(2, '0')} all is well\n`.repeat(1000)
    yield { path: `/var/log/${day}.log`, type: 'file', content, xattrs: { 'user.day': String(day) } }
  }
}

const { imageSize, findings } = await buildImage(
  {
    table: { type: 'mbr' },
    partitions: [
      {
        type: 'fat32',
        size: '64MiB',
        label: 'FIRMWARE',
        sources: [{ entries: [{ path: 'config.txt', type: 'file', content: 'arm_64bit=1\n' }] }],
      },
      { type: 'btrfs', size: 'fit', label: 'ROOT', compression: 'zstd', sources: [{ entries: tree }] },
    ],
  },
  { output, force: true },
)
for (const finding of findings) console.log(formatFinding(finding))

const image = await openImage(output)
const root = await image.partition('ROOT').open()
const logs = await root.list('/var/log')
console.log(`${output}: ${imageSize} bytes, ${logs.length} logs`)
await image.close()

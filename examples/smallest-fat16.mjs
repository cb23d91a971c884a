// Writes the smallest FAT16 that holds some files, and a MiB more, with clusters of four sectors.
// usage: node examples/smallest-fat16.mjs firmware.img
import { open } from 'node:fs/promises'
import { writeFat } from 'diskwright/fat32'
import { fileSink } from 'diskwright'

const [path = 'firmware.img'] = process.argv.slice(2)
const handle = await open(path, 'w+')
const { size, clusterSize, freeBytes } = await writeFat(
  { type: 'fat16', size: 'fit', slack: '1MiB', clusterSize: '2KiB', label: 'FIRMWARE', codePage: 850 },
  [
    { path: '/config.txt', type: 'file', content: 'arm_64bit=1\nkernel=u-boot.bin\n' },
    { path: '/größe.bin', type: 'file', content: new Uint8Array(10_000_000) },
  ],
  fileSink(handle),
)
await handle.close()
console.log(`${path}: ${size} bytes, ${freeBytes} free in clusters of ${clusterSize}`)

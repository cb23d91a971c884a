// Writes one FAT32 file system into a file: no partition table, no other program.
// usage: node examples/fat32-to-a-file.mjs firmware.img
import { open } from 'node:fs/promises'
import { writeFat32 } from 'diskwright/fat32'
import { fileSink } from 'diskwright'

const [path = 'firmware.img'] = process.argv.slice(2)
const handle = await open(path, 'w+')
const { files, size } = await writeFat32(
  { size: '64MiB', label: 'FIRMWARE' },
  [
    { path: '/config.txt', type: 'file', content: 'arm_64bit=1\nkernel=u-boot.bin\n' },
    { path: '/overlays/a rather long name.dtbo', type: 'file', content: new Uint8Array(2000) },
  ],
  fileSink(handle),
)
await handle.close()
console.log(`${path}: ${files} files in ${size} bytes`)

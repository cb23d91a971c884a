// Builds an image from a stream in a worker thread, so that the main thread stays free.
// usage: node examples/image-in-a-worker.mjs root.tar disk.img.zst
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { buildImage } from 'diskwright'
import { readTar } from 'diskwright/tar'

if (isMainThread) {
  const [archive, output] = process.argv.slice(2)
  const bytes = Readable.toWeb(createReadStream(archive))
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { bytes, output },
    transferList: [bytes],
  })
  worker.on('message', (message) => console.log(message))
} else {
  const { bytes, output } = workerData
  const { outputSize, partitions } = await buildImage(
    {
      table: { type: 'mbr' },
      partitions: [
        { type: 'btrfs', size: 'fit', compression: 'zstd', sources: [{ entries: readTar(bytes) }] },
      ],
    },
    { output, force: true },
  )
  parentPort.postMessage(`${output}: ${partitions[0].files} files in ${outputSize} bytes`)
}

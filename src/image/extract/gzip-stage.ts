/** Compresses an archive with gzip (RFC 1952) while it is written: one member, without name and time. */
import { once } from 'node:events'
import { createGzip } from 'node:zlib'
import type { StreamWriter } from '../../output/stream-out.ts'

const DEFAULT_LEVEL = 6

/** Threads of Node do the compressing. */
export function gzipStage(writer: StreamWriter, level = DEFAULT_LEVEL): StreamWriter {
  const gzip = createGzip({ level })
  const passOn = async () => {
    for await (const piece of gzip) await writer.write(piece as Uint8Array)
  }
  const passing = passOn()
  // The next write throws it.
  passing.catch(() => undefined)
  return {
    async write(bytes) {
      if (!gzip.write(bytes)) await Promise.race([once(gzip, 'drain'), passing])
    },
    async end() {
      gzip.end()
      await passing
      await writer.end()
    },
    async abort() {
      gzip.destroy()
      await passing.catch(() => undefined)
      await writer.abort()
    },
  }
}

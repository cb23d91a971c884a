/** Compresses an archive on its way with gzip (RFC 1952): one member, without name and time. */
import { once } from 'node:events'
import { createGzip } from 'node:zlib'
import type { StreamWriter } from '../../output/stream-out.ts'

const DEFAULT_LEVEL = 6

/** The compressing is done by threads of Node. */
export function gzipStage(writer: StreamWriter, level = DEFAULT_LEVEL): StreamWriter {
  const gzip = createGzip({ level })
  const passOn = async () => {
    for await (const piece of gzip) await writer.write(piece as Uint8Array)
  }
  const passing = passOn()
  // Whoever writes next hears of it.
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

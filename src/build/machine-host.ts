/** Builds on a machine: paths are those of its files. */
import { Buffer } from 'node:buffer'
import { open, stat } from 'node:fs/promises'
import type { BuildHost, HostContent } from './host.ts'
import { InputError } from '../lib/errors.ts'
import { readWholeFile } from '../sources/file.ts'
import { HostFiles } from '../sources/host-file.ts'
import { openSource, sourceName, sourceSize } from '../sources/open.ts'
import { FileSpool } from '../sources/spool.ts'
import { withPlace } from '../sources/with-place.ts'

export const machineHost: BuildHost = {
  sources: { open: openSource, nameOf: sourceName, sizeOf: sourceSize },
  readFile: readWholeFile,
  openFile,
  createSpool: () => new FileSpool(),
}

async function openFile(source: string): Promise<HostContent> {
  const stats = await withPlace({ source }, () => stat(source, { bigint: true }))
  if (!stats.isFile()) throw new InputError('expected a regular file', { source })
  const file = { source, path: '', host: Buffer.from(source), stats, followed: true }
  return {
    size: Number(stats.size),
    content: new HostFiles().contentOf(file),
    async read(offset, length) {
      const handle = await open(source)
      try {
        const { bytesRead, buffer } = await handle.read(new Uint8Array(length), 0, length, offset)
        return buffer.subarray(0, bytesRead)
      } finally {
        await handle.close()
      }
    },
  }
}

/** Builds where there is nothing but the files that are handed over. */
import type { BuildHost } from './host.ts'
import type { CreateScratch } from '../lib/random-access.ts'
import { blobContent, GivenFiles, readBlob, type NamedFiles } from '../sources/given/given-files.ts'
import { givenOpeners } from '../sources/given/given-openers.ts'
import { ScratchSpool } from '../sources/given/scratch-spool.ts'
import { sourcesOf } from '../sources/source-table.ts'
import type { ResolvedPlan } from '../spec/plan/plan.ts'

export function browserHost(
  { partitions }: ResolvedPlan,
  files: NamedFiles,
  createScratch: CreateScratch,
): BuildHost {
  const given = new GivenFiles(files)
  const time = partitions.find((partition) => 'time' in partition)?.time ?? { sec: 0, nsec: 0 }
  return {
    sources: sourcesOf(givenOpeners(given, time)),
    readFile: async (path) => readBlob(given.file(path), path),
    openFile(path) {
      const blob = given.file(path)
      return Promise.resolve({
        size: blob.size,
        content: blobContent(blob, path),
        read: (offset: number, length: number) => readBlob(blob, path, offset, length),
      })
    },
    createSpool: () => new ScratchSpool(createScratch),
  }
}

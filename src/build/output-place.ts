import { realpath } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { partitionDriverOf } from './drivers/table.ts'
import type { BuildOptions } from './options.ts'
import { OutputError } from '../lib/errors.ts'
import { sourceInputs } from '../sources/open.ts'
import type { ResolvedPlan } from '../spec/plan.ts'

/**
 * An output inside a directory that is a source would become part of itself, under its temporary name; and no
 * option is meant to replace an archive by the image made of it.
 *
 * @throws OutputError when it lies there, or is a source, symbolic links considered
 */
export async function checkOutputPlace(output: BuildOptions['output'], plan: ResolvedPlan): Promise<void> {
  if (typeof output !== 'string') return
  const place = await realPlace(output)
  const inputs = [
    ...plan.sources.flatMap(sourceInputs),
    ...plan.partitions.flatMap((partition) => [
      ...partition.sources.flatMap(sourceInputs),
      ...partitionDriverOf(partition).inputs(partition),
    ]),
  ]
  for (const { kind, path } of inputs) {
    const folder = await realpath(path).catch(() => path)
    if (folder === place) throw new OutputError(`${output}: is a source of the image`)
    if (kind !== 'directory') continue
    if (!place.startsWith(folder.endsWith(sep) ? folder : folder + sep)) continue
    throw new OutputError(`${output}: lies in the folder ${path}, which is a source of the image`)
  }
}

/** The real path of an output: the target of a symbolic link, or the name in its real folder. */
async function realPlace(path: string): Promise<string> {
  const existing = await realpath(path).catch(() => undefined)
  if (existing !== undefined) return existing
  const folder = await realpath(dirname(path)).catch(() => dirname(path))
  return join(folder, basename(path))
}

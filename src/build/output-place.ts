import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { partitionDriverOf } from './drivers/table.ts'
import type { BuildOptions } from './options.ts'
import { OutputError } from '../lib/errors.ts'
import type { InputPath } from '../sources/kinds/opener.ts'
import { checkTarget } from '../lib/temporary-file.ts'
import { formatOf } from '../output/open-output.ts'
import { sourceInputs } from '../sources/open.ts'
import type { ResolvedPlan } from '../spec/plan/plan.ts'

/**
 * What the path of an output alone says, before anything is read.
 *
 * @throws OutputError when its name is that of a format which is not written, it exists, or its directory does not
 */
export async function checkOutputPath(
  output: string,
  { format, force = false }: Pick<BuildOptions, 'format' | 'force'>,
): Promise<void> {
  if (format === undefined) formatOf(output)
  await checkTarget(output, force)
  const folder = dirname(output)
  if ((await stat(folder).catch(() => undefined)) === undefined) {
    throw new OutputError(`${output}: there is no directory ${folder}`)
  }
}

/**
 * An output inside a directory that is a source would become part of itself, under its temporary name; and no
 * option is meant to replace an archive by the image made of it.
 *
 * @throws OutputError when it lies there, or is a source, symbolic links considered
 */
export async function checkOutputPlace(output: BuildOptions['output'], plan: ResolvedPlan): Promise<void> {
  if (typeof output !== 'string') return
  const place = await realPlace(output)
  for (const { kind, path } of await inputsOf(plan)) {
    const folder = await realpath(path).catch(() => path)
    if (folder === place) throw new OutputError(`${output}: is a source of the image`)
    if (kind !== 'directory') continue
    if (!place.startsWith(folder.endsWith(sep) ? folder : folder + sep)) continue
    throw new OutputError(`${output}: lies in the folder ${path}, which is a source of the image`)
  }
}

/** Files and directories of this machine that are read for an image. */
async function inputsOf({ sources, partitions }: ResolvedPlan): Promise<InputPath[]> {
  const inputs = await Promise.all([
    ...[sources, ...partitions.map((partition) => partition.sources)].flat().map(sourceInputs),
    ...partitions.map(async (partition) => (await partitionDriverOf(partition)).inputs(partition)),
  ])
  return inputs.flat()
}

/** The real path of an output: the target of a symbolic link, or the name in its real folder. */
async function realPlace(path: string): Promise<string> {
  const existing = await realpath(path).catch(() => undefined)
  if (existing !== undefined) return existing
  const folder = await realpath(dirname(path)).catch(() => dirname(path))
  return join(folder, basename(path))
}

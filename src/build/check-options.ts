/** What is asked of a build, looked at before anything is opened. */
import { realpath } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import type { BuildOptions } from './result.ts'
import { OutputError } from '../lib/errors.ts'
import { MAX_LEVEL } from '../lib/zstd/codec.ts'
import { found } from '../spec/messages.ts'
import type { ImagePlan, PartitionPlan } from '../spec/plan.ts'

const MAX_WORKERS = 1024

/**
 * Checks the options of a build. What is wrong here is the program that calls, not what its user has asked for.
 *
 * @throws TypeError or RangeError that names the option
 */
export function checkBuildOptions(options: BuildOptions): void {
  const given = options as unknown
  if (typeof given !== 'object' || given === null) throw wrong('options', 'an object', given)
  // Callers in JavaScript may have put anything here.
  const { output, format, outputLevel, workers, baseDirectory, onProgress, signal, ...rest } =
    options as unknown as Record<string, unknown>
  if (!isOutput(output)) throw wrong('output', 'a path, a Writable or a WritableStream', output)
  if (format !== undefined && format !== 'img' && format !== 'img.zst') {
    throw wrong('format', '"img" or "img.zst"', format)
  }
  checkWhole('outputLevel', outputLevel, 1, MAX_LEVEL)
  checkWhole('workers', workers, 0, MAX_WORKERS)
  if (baseDirectory !== undefined && typeof baseDirectory !== 'string') {
    throw wrong('baseDirectory', 'a path', baseDirectory)
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw wrong('onProgress', 'a function', onProgress)
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw wrong('signal', 'an AbortSignal', signal)
  }
  for (const name of ['force', 'profile']) {
    if (rest[name] !== undefined && typeof rest[name] !== 'boolean') {
      throw wrong(name, 'true or false', rest[name])
    }
  }
}

function checkWhole(name: string, value: unknown, least: number, most: number): void {
  if (value === undefined) return
  const what = `a whole number from ${least} to ${most}`
  if (typeof value !== 'number') throw wrong(name, what, value)
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new RangeError(message(name, what, value))
}

function isOutput(output: unknown): boolean {
  if (typeof output === 'string') return true
  if (typeof output !== 'object' || output === null) return false
  return ['write', 'getWriter'].some(
    (name) => typeof (output as Record<string, unknown>)[name] === 'function',
  )
}

function wrong(name: string, expected: string, value: unknown): TypeError {
  return new TypeError(message(name, expected, value))
}

function message(name: string, expected: string, value: unknown): string {
  return `buildImage: option ${name}: expected ${expected}, found ${found(value)}`
}

/**
 * An output inside a directory that is a source would become part of itself, under its temporary name; and no
 * option is meant to replace an archive by the image made of it.
 *
 * @throws OutputError when it lies there, or is a source, symbolic links considered
 */
export async function checkOutputPlace(output: BuildOptions['output'], plan: ImagePlan): Promise<void> {
  if (typeof output !== 'string') return
  const place = await realPlace(output)
  const sources = plan.partitions.flatMap((partition) => [...partition.sources, ...filesOf(partition)])
  for (const { kind, path } of sources) {
    const folder = await realpath(path).catch(() => path)
    if (folder === place) throw new OutputError(`${output}: is a source of the image`)
    if (kind !== 'directory') continue
    if (!place.startsWith(folder.endsWith(sep) ? folder : folder + sep)) continue
    throw new OutputError(`${output}: lies in the folder ${path}, which is a source of the image`)
  }
}

/** What a partition takes in besides its sources. */
function filesOf(partition: PartitionPlan): { kind: 'directory' | 'file'; path: string }[] {
  const file = (path: string | undefined) => (path === undefined ? [] : [{ kind: 'file' as const, path }])
  if (partition.type === 'btrfs') return file(partition.nixos?.registration)
  const { directory, uboot = [] } = partition.firmware ?? {}
  const folder = directory === undefined ? [] : [{ kind: 'directory' as const, path: directory }]
  return [...folder, ...uboot.flatMap(({ path }) => file(path))]
}

/** Where a file will be written: what a symbolic link points to, or the name in its real folder. */
async function realPlace(path: string): Promise<string> {
  const existing = await realpath(path).catch(() => undefined)
  if (existing !== undefined) return existing
  const folder = await realpath(dirname(path)).catch(() => dirname(path))
  return join(folder, basename(path))
}

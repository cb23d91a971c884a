/** Blocks of JSON and YAML: descriptions of images, and parts of them. */
import { parse as parseYaml } from 'yaml'
import { resolvePlan } from '../../src/build/plan-image.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import type { Block } from './pages.ts'

const SOURCES = ['tar', 'directory', 'files', 'oci', 'nix', 'nar', 'send']
const has = (value: object, ...keys: string[]) => keys.some((key) => key in value)

/** @throws Error or SpecError with what is wrong */
export async function checkDescription({ language, text, isOther }: Block): Promise<void> {
  for (const value of valuesOf(language, text)) {
    if (!isOther) await resolvePlan(completed(value))
  }
}

/** The block is one value, or each of its lines is. */
function valuesOf(language: string, text: string): unknown[] {
  if (language === 'yaml') return [parseYaml(text) as unknown]
  try {
    return [JSON.parse(text) as unknown]
  } catch (error) {
    const lines = text.trim().split('\n')
    if (lines.length === 1 || lines.some((line) => !line.startsWith('{'))) throw error
    return lines.map((line) => JSON.parse(line) as unknown)
  }
}

/** The smallest description that has the value where it belongs. */
function completed(value: unknown): ImageSpec {
  if (typeof value !== 'object' || value === null)
    throw new Error('neither an image, a partition nor a source')
  if (has(value, 'partitions')) return value as ImageSpec
  if (has(value, 'type')) return imageOf(value)
  if (has(value, ...SOURCES)) return imageOf({ type: 'btrfs', size: 'fit', sources: [value] })
  if (has(value, 'sources', 'subvolumes', 'paths')) return imageOf({ type: 'btrfs', size: 'fit', ...value })
  throw new Error(
    'neither an image, a partition nor a source; if it is something else, say so with a directive',
  )
}

const imageOf = (partition: object) =>
  ({
    time: '2026-01-01',
    table: { type: 'gpt' },
    partitions: [{ type: 'fat32', label: 'ESP', gptType: 'esp', size: '64MiB' }, partition],
  }) as ImageSpec

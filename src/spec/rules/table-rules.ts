/** The rules that relate the partition table to the keys of partitions that concern it. */
import type { SpecIssue } from '../../lib/errors.ts'
import type { Draft } from '../check.ts'
import type { ImageSpec, PartitionSpec } from '../image-spec.ts'
import { repeated } from '../messages.ts'
import { partitionNumbers } from '../resolve/partition-numbers.ts'
import { unitIssues } from './size-rules.ts'
import { parseSize } from '../notation/sizes.ts'

/** The keys that set what the table records about a partition. */
const GPT_KEYS = ['gptType', 'gptName', 'partUuid', 'gptFlags'] as const
const ENTRY_KEYS = ['bootable', 'mbrType', ...GPT_KEYS] as const

export function tableIssues(spec: Draft<ImageSpec>): SpecIssue[] {
  const { table, partitions = [] } = spec
  const numbers = partitionNumbers(spec)
  return [
    ...(table?.type === 'gpt' ? gptIssues(table, numbers, partitions.includes(undefined)) : []),
    ...(table?.type === 'none' ? bareIssues(partitions) : []),
    ...partitions.flatMap((partition, i) =>
      partition === undefined || table?.type === undefined || table.type === 'none'
        ? []
        : entryIssues(partition, { at: `partitions[${i}]`, number: numbers[i], table }),
    ),
    ...repeated(
      partitions.map((partition, i) => ({
        key: partition?.partUuid?.toLowerCase(),
        path: `partitions[${i}].partUuid`,
      })),
      (first) => `is also ${first}: every partition needs its own`,
    ),
  ]
}

type Table = Draft<ImageSpec['table']>

function gptIssues(
  { sectorSize = 512, entriesStart, hybrid = [] }: Draft<Extract<ImageSpec['table'], { type: 'gpt' }>>,
  numbers: readonly number[],
  isPartial: boolean,
): SpecIssue[] {
  const path = 'table.entriesStart'
  const start = entriesStart === undefined ? undefined : parseSize(entriesStart)!
  const issues = start === undefined ? [] : unitIssues(start, sectorSize, path)
  if (start !== undefined && start < 2 * sectorSize) {
    issues.push({ path, message: `must be at least ${2 * sectorSize} bytes: the header precedes it` })
  }
  for (const [i, number] of hybrid.entries()) {
    if (number === undefined || numbers.includes(number) || isPartial) continue
    issues.push({ path: `table.hybrid[${i}]`, message: `there is no partition ${number}` })
  }
  const places = hybrid.map((number, i) => ({ key: number?.toString(), path: `table.hybrid[${i}]` }))
  return [...issues, ...repeated(places, (first) => `is also ${first}`)]
}

/** Without a table there is one file system, from the first byte on. */
function bareIssues(partitions: readonly (Draft<PartitionSpec> | undefined)[]): SpecIssue[] {
  return partitions.flatMap((partition, i) => {
    const at = `partitions[${i}]`
    if (i > 0)
      return [{ path: at, message: 'without a partition table, there is room for only one file system' }]
    if (partition === undefined) return []
    const issues: SpecIssue[] = ENTRY_KEYS.filter((key) => partition[key] !== undefined).map((key) => ({
      path: `${at}.${key}`,
      message: 'needs a partition table, but "table" has the type "none"',
    }))
    if (partition.inTable === true) issues.push({ path: `${at}.inTable`, message: 'there is no table' })
    if (partition.start !== undefined && parseSize(partition.start) !== 0) {
      issues.push({
        path: `${at}.start`,
        message: 'must be 0: without a partition table, a file system takes the whole disk',
      })
    }
    return issues
  })
}

function entryIssues(
  partition: Draft<PartitionSpec>,
  { at, number, table }: { at: string; number: number; table: NonNullable<Table> },
): SpecIssue[] {
  const found = (keys: readonly (typeof ENTRY_KEYS)[number][]) =>
    keys.filter((key) => partition[key] !== undefined && partition[key] !== false)
  const issue = (message: string) => (key: string) => ({ path: `${at}.${key}`, message })
  if (number === 0) {
    return found(ENTRY_KEYS).map(
      issue('is for the partition table, but this has no entry in it: "inTable" is false'),
    )
  }
  if (table.type === 'mbr') return found(GPT_KEYS).map(issue('is for a GPT, but "table" has the type "mbr"'))
  if (table.type !== 'gpt' || table.hybrid?.includes(number) === true) return []
  const message = `is for an MBR: add the number ${number} to "hybrid" of the table, or leave this key out`
  return found(['mbrType']).map(issue(message))
}

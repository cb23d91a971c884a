import type { BuildProfile, BuildResult, PartitionResult, SubvolumeResult } from '../build/result.ts'
import { nounFor } from '../lib/counted.ts'
import { bytesText, columns, countText, secondsText } from './units.ts'

/** The result of a build as text: a line for the image, and one for each partition. */
export function buildText(result: BuildResult, { seconds }: { seconds: number }): string {
  const { output = 'standard output', imageSize, outputSize, format } = result
  const size = bytesText(imageSize) + (format === 'img' ? '' : `, ${bytesText(outputSize)} compressed`)
  const rows = result.partitions.map((partition) => [
    partition.number === 0 ? '' : String(partition.number),
    partition.type.toUpperCase(),
    partition.label,
    `${bytesText(partition.size)} at ${bytesText(partition.start)}`,
    contentText(partition),
  ])
  const notes = result.findings
    .map(({ severity, where, message }) => `${severity}: ${where}: ${message}\n`)
    .join('')
  const replaced =
    result.replaced === 0
      ? ''
      : `${countText(result.replaced, 'entry', 'entries')} replaced by later sources\n`
  const profile = result.profile === undefined ? '' : profileText(result.profile)
  return `${output}: ${size}, in ${secondsText(seconds)}\n${columns(rows, '  ')}\n${replaced}${notes}${profile}`
}

function profileText(profile: BuildProfile): string {
  const { wall, cpu, startUp, peakMemory, ...phases } = profile
  const names: Record<keyof typeof phases, string> = {
    sources: 'reading sources',
    waitingForWorkers: 'waiting for workers',
    encoding: 'compressing and checksumming',
    output: 'writing the output',
    rest: 'placing, trees and the rest',
  }
  const rows = Object.entries(names).map(([phase, name]) => {
    const seconds = phases[phase as keyof typeof phases]
    return [name, `${seconds.toFixed(2)} s`, `${((100 * seconds) / wall).toFixed(0)} %`]
  })
  return (
    `main thread, ${wall.toFixed(2)} s (${startUp.toFixed(2)} s to the first byte read):\n${columns(rows, '  ')}\n` +
    `all threads: ${cpu.toFixed(2)} s of CPU; peak memory ${bytesText(peakMemory)}\n`
  )
}

function contentText(partition: PartitionResult): string {
  if (partition.type === 'raw') return bytesText(partition.bytesIn)
  if (partition.type === 'swap' || partition.type === 'empty') return ''
  const { files, directories, bytesIn, bytesStored } = partition
  const parts = [countText(files, 'file'), countText(directories, 'directory', 'directories')]
  if (partition.type === 'btrfs' && partition.subvolumes.length > 1) {
    parts.push(subvolumesText(partition.subvolumes))
  }
  parts.push(`${bytesText(bytesIn)} in ${bytesText(bytesStored)}`)
  return parts.join(', ')
}

/** Counts of the subvolumes below the top level, by kind. */
function subvolumesText([top, ...subvolumes]: readonly SubvolumeResult[]): string {
  const snapshots = subvolumes.filter(({ snapshotOf }) => snapshotOf !== undefined).length
  const kinds = [
    [subvolumes.filter(({ parent }) => parent !== top.id).length, 'nested'],
    [snapshots, nounFor(snapshots, 'snapshot')],
    [subvolumes.filter(({ readOnly }) => readOnly).length, 'read-only'],
  ] as const
  const found = kinds.filter(([count]) => count > 0).map(([count, kind]) => `${count} ${kind}`)
  const all = countText(subvolumes.length, 'subvolume')
  return found.length === 0 ? all : `${all} (${found.join(', ')})`
}

/** The interface between a build and what partitions hold. A new file system is a driver and a line in the table. */
import type { BuildContext } from '../context.ts'
import type { PartitionResult } from '../result.ts'
import type { SourceEntry } from '../../file-tree/entry.ts'
import type { MergeRule } from '../../file-tree/merge.ts'
import type { UnsupportedPolicy } from '../../file-tree/unsupported.ts'
import type { ByteString } from '../../lib/byte-string.ts'
import type { ImageSink } from '../../lib/image-sink.ts'
import type { InputPath } from '../../sources/kinds/opener.ts'
import type { PartitionPlan, PlacedPlan } from '../../spec/plan/plan.ts'
import type { BootPartition } from '../../uboot/boot-tree.ts'

/** Writes partitions of one type. */
export interface PartitionDriver<Plan extends PartitionPlan = PartitionPlan> {
  /** Begins a partition at the start of `sink`, to which nothing has been written. */
  open(plan: PlacedPlan<Plan>, sink: ImageSink, context: BuildContext): Promise<PartitionWriter>
  /** Files and directories of this machine that the partition takes in besides its sources. */
  inputs(plan: Plan): readonly InputPath[]
}

/**
 * One file system that is being written. Calls come in this order: `add` with each of `ownEntries`, `beginSource` and
 * `add` with the entries of each source, `installSystem`, `add` with boot files of another partition, `finish`, then `bootView`;
 * `close` comes last, in any case.
 */
export interface PartitionWriter {
  /** Entries that the plan itself asks for, before those of the sources. */
  ownEntries(): AsyncIterable<NewEntry> | Iterable<NewEntry>
  /** Tells the entries that come next from those that are there, and how they meet those. */
  beginSource(merge: MergeRule): void
  add(entry: NewEntry): Promise<void> | void
  /** A file that was added, as an entry that can be read again; undefined when there is none that can. */
  find(path: ByteString): SourceEntry | undefined
  /** Names in a directory that was added, symlinks followed; none where there is no directory. */
  list(path: ByteString): readonly ByteString[]
  /**
   * Makes a system of what the sources brought.
   *
   * @returns undefined when the plan asks for none
   */
  installSystem(): Promise<InstalledSystem | undefined>
  /** Writes what is known only when all entries are. */
  finish(): Promise<PartitionResult>
  /** The partition as a boot loader reads it; undefined when there is no file system in it. */
  bootView(): Pick<BootPartition, 'type' | 'fatType' | 'uuid' | 'tree' | 'btrfs' | 'systems'> | undefined
  close(): Promise<void>
}

/** An entry on its way into a partition. */
export interface NewEntry {
  entry: SourceEntry
  /** Path below which it goes; default: the root. */
  to?: ByteString
  /** What becomes of what the file system cannot hold; default: an error. */
  unsupported?: UnsupportedPolicy | undefined
}

/** A system that was made of what is in a partition. */
export interface InstalledSystem {
  /** `partitions[0]`: the partition for its boot files; undefined: its own, which has them already. */
  bootPlace: string | undefined
  /** Its boot files for a partition that lies elsewhere; their content is read back from where the system lies. */
  bootFiles(): Iterable<SourceEntry>
}

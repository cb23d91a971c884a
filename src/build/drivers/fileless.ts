/** Partitions without files: data as it is, swap space, nothing. */
import type { PartitionDriver, PartitionWriter } from './driver.ts'
import { nameOf } from '../disk-layout.ts'
import type { PartitionResult, PlaceResult } from '../result.ts'
import { DoesNotFitError, InputError } from '../../lib/errors.ts'
import type { EmptyPlan, PlacedPlan, RawPlan, SwapPlan } from '../../spec/plan/plan.ts'
import { MIN_SWAP_PAGES } from '../../swap/format.ts'
import { encodeSwapHeader } from '../../swap/header.ts'

export const rawPartitionDriver: PartitionDriver<RawPlan> = {
  open: (plan, sink, { host, sectorSize, progress, signal }) =>
    writerOf(async () => {
      const { size: bytesIn, content } = await host.openFile(plan.source)
      if (bytesIn === 0) throw new InputError('the file is empty', { source: plan.source })
      const size = plan.size === 'fit' ? Math.ceil(bytesIn / sectorSize) * sectorSize : plan.size
      if (bytesIn > size)
        throw new DoesNotFitError(`${plan.source} in ${nameOf(plan)}`, { needed: bytesIn, available: size })
      progress.step('write', `writing ${plan.source}`, bytesIn)
      let offset = 0
      for await (const piece of content) {
        signal?.throwIfAborted()
        await sink.write(offset, piece)
        offset += piece.length
        progress.reach(offset)
      }
      return { type: 'raw', ...resultOf(plan, size), bytesIn }
    }),
  inputs: ({ source }) => [{ kind: 'file', path: source }],
}

export const swapPartitionDriver: PartitionDriver<SwapPlan> = {
  open: (plan, sink) =>
    writerOf(async () => {
      const { uuid, label, pageSize } = plan
      const size = plan.size as number
      const needed = MIN_SWAP_PAGES * pageSize
      if (size < needed) throw new DoesNotFitError(nameOf(plan), { needed, available: size })
      await sink.write(0, encodeSwapHeader({ size, uuid, label, pageSize }))
      return { type: 'swap', ...resultOf(plan, size), uuid }
    }),
  inputs: () => [],
}

export const emptyPartitionDriver: PartitionDriver<EmptyPlan> = {
  open: (plan) => writerOf(() => Promise.resolve({ type: 'empty', ...resultOf(plan, plan.size as number) })),
  inputs: () => [],
}

function resultOf(
  { number, label, start, bootable }: PlacedPlan<RawPlan | SwapPlan | EmptyPlan>,
  size: number,
): PlaceResult {
  return { number, label, start, size, bootable }
}

/** A writer that takes no entries. */
function writerOf(finish: () => Promise<PartitionResult>): Promise<PartitionWriter> {
  return Promise.resolve({
    ownEntries: () => [],
    beginSource: () => undefined,
    add() {
      throw new Error('there are no files in this partition')
    },
    find: () => undefined,
    list: () => [],
    installSystem: () => Promise.resolve(undefined),
    finish,
    bootView: () => undefined,
    close: () => Promise.resolve(),
  })
}

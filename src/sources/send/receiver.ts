/** Makes trees of send streams, as `btrfs receive` makes subvolumes of them. */
import { applyCommand, MAX_CLONED_EXTENTS, type KeptContent } from '../../btrfs/send/apply/apply.ts'
import { SendTree } from '../../btrfs/send/apply/tree.ts'
import { SendProblem, type SendCommand } from '../../btrfs/send/command.ts'
import type { ReceivedSubvolume } from '../../file-tree/entry.ts'
import type { StreamStore } from '../../btrfs/send/apply/file-content.ts'
import { hexText, uuidText } from '../../lib/hex.ts'
import { storeOfFile, type SpoolStore } from './content-store.ts'
import { SendStreamReader, type ReadCommand } from './stream-reader.ts'

/** A subvolume that was received. */
export interface ReceivedTree {
  tree: SendTree
  received: ReceivedSubvolume
}

export class SendReceiver {
  readonly #spool: SpoolStore
  /** By their UUIDs, in hexadecimal digits. */
  readonly #trees = new Map<string, SendTree>()
  #current: ReceivedTree | undefined
  readonly #clones = { left: MAX_CLONED_EXTENTS }

  /** @param spool for content that cannot be read again */
  constructor(spool: SpoolStore) {
    this.#spool = spool
  }

  /** The last subvolume. */
  get subvolume(): ReceivedTree {
    return this.#current!
  }

  /**
   * Reads a file or pipe with one stream or several.
   *
   * @throws InputError that names the offset of the command that is damaged, or that cannot be done
   */
  async receive(chunks: AsyncIterable<Uint8Array>, source: string): Promise<void> {
    const reader = new SendStreamReader(chunks, source)
    try {
      let store: StreamStore | undefined
      for (let read = await reader.next(); read !== undefined; read = await reader.next()) {
        if (store === undefined && reader.descriptor !== undefined) store = storeOfFile(reader.descriptor)
        const kept = 'data' in read.command ? await this.#keep(read, store) : undefined
        try {
          this.#apply(read.command, kept)
        } catch (error) {
          throw reader.errorOf(error)
        }
      }
      if (this.#current === undefined) throw reader.error('the stream has no subvolume')
    } finally {
      await reader.close()
    }
    await this.#spool.flush()
  }

  async #keep(
    { command, offset, dataOffset }: ReadCommand,
    store: StreamStore | undefined,
  ): Promise<KeptContent> {
    if (store !== undefined) return { store, position: dataOffset, command: offset }
    const { data } = command as SendCommand & { data: Uint8Array }
    return { store: this.#spool, position: await this.#spool.add(data), command: offset }
  }

  #apply(command: SendCommand, kept: KeptContent | undefined): void {
    if (command.name === 'subvol') return this.#begin(command, new SendTree())
    if (command.name === 'snapshot') return this.#begin(command, new SendTree(this.#parentOf(command)))
    if (command.name === 'end') return
    if (this.#current === undefined) throw new SendProblem(`${command.name} before a subvolume`)
    const { tree, received } = this.#current
    const sourceOf = (uuid: Uint8Array) => this.#sourceOf(uuid, hexText(received.uuid))
    applyCommand(command, { tree, kept, sourceOf, clones: this.#clones })
  }

  #begin({ uuid, ctransid }: { uuid: Uint8Array; ctransid: number }, tree: SendTree): void {
    this.#trees.set(hexText(uuid), tree)
    this.#current = { tree, received: { uuid, transid: ctransid } }
  }

  #parentOf({ cloneUuid }: { cloneUuid: Uint8Array }): SendTree {
    const parent = this.#trees.get(hexText(cloneUuid))
    if (parent !== undefined) return parent
    throw new SendProblem(
      `the stream is incremental: its parent, with the UUID ${uuidText(cloneUuid)}, must come in an earlier stream`,
    )
  }

  #sourceOf(uuid: Uint8Array, current: string): SendTree {
    const hex = hexText(uuid)
    const source = hex === current ? this.#current!.tree : this.#trees.get(hex)
    if (source !== undefined) return source
    throw new SendProblem(
      `clone: its source, with the UUID ${uuidText(uuid)}, must come in an earlier stream`,
    )
  }
}

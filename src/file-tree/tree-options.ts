/** Options of a FileTree, and the services it gets from the writer. */
import type { ByteString } from '../lib/byte-string.ts'
import type { SourceEntry, Timestamp } from './entry.ts'
import type { EntryRules } from './entry-rules.ts'
import type { Replacement } from './merge.ts'
import type { StoragePlan } from './storage.ts'
import type { SubvolumePlan } from './subvolume.ts'

/** Takes in the content of files while the source is being read. */
export interface ContentStore<Content> {
  store(entry: SourceEntry & { type: 'file' }, storage: StoragePlan): Promise<Content> | Content
  /** A second copy of content, for a hard link that leads to where it must be stored in another way. */
  copy(content: Content, storage: StoragePlan): Promise<Content>
}

export interface TreeOptions<Content> {
  content: ContentStore<Content>
  /** Time of directories that no source describes. */
  time: Timestamp
  /** One of them has the path ''. Without them the whole tree is one volume. */
  subvolumes?: readonly SubvolumePlan[]
  /** Storage of a path and all below it, where it differs from its subvolume's. */
  pathStorage?: ReadonlyMap<ByteString, StoragePlan>
  /** Changes to entries before they enter the tree; they exclude no subvolume's root. */
  rules?: EntryRules | undefined
  /** Called with every entry of an earlier source whose place another one takes. */
  onReplace?: ((replacement: Replacement) => void) | undefined
  /**
   * Says why the writer cannot store an entry; called with every entry, after the rules. It may take from the entry what is
   * to be left out.
   */
  problemOf?: (entry: SourceEntry) => string | undefined
}

/** The whole tree, for file systems that know no subvolumes and one way to store files. */
export const WHOLE_TREE: SubvolumePlan = {
  id: 0,
  name: '',
  parent: 0,
  directory: '',
  path: '',
  uuid: '',
  readOnly: false,
  isDefault: true,
  otime: { sec: 0, nsec: 0 },
  property: undefined,
  snapshotOf: undefined,
  contentOf: 0,
  nodatacow: false,
  compression: undefined,
}

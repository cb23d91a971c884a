/** Types of files as directory entries have them, by those of modes. */
import { MODE_TYPE, MODE_TYPE_MASK } from '../../file-tree/mode-type.ts'
import { FileType } from '../format.ts'

const TYPES = new Map<number, number>(
  (Object.keys(MODE_TYPE) as (keyof typeof MODE_TYPE)[]).map((type) => [MODE_TYPE[type], FileType[type]]),
)

/** BTRFS_FT_* of a mode (S_IF*); undefined for a mode without a known type. (fs_umode_to_ftype) */
export function fileTypeOf(mode: number): number | undefined {
  return TYPES.get(mode & MODE_TYPE_MASK)
}

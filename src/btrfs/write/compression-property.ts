/** The property btrfs.compression: how the kernel compresses new data. (fs/btrfs/props.c) */
import { fromText, toBytes } from '../../lib/byte-string.ts'
import type { Xattr } from '../../file-tree/entry.ts'
import type { SubvolumePlan } from '../../spec/plan/plan.ts'
import { INODE_COMPRESS, INODE_NOCOMPRESS } from '../format.ts'

/** An xattr that new files and directories inherit. */
const NAME = 'btrfs.compression'

/** The xattrs of a directory in a subvolume with this property. A property of its own takes precedence. */
export function withProperty(
  xattrs: readonly Xattr[] | undefined,
  property: SubvolumePlan['property'],
): readonly Xattr[] | undefined {
  if (property === undefined) return xattrs
  if (xattrs === undefined) return [{ name: NAME, value: toBytes(fromText(property)) }]
  if (xattrs.some(({ name }) => name === NAME)) return xattrs
  return [...xattrs, { name: NAME, value: toBytes(fromText(property)) }]
}

/** The flag that the kernel sets with the property. */
export function propertyFlag(xattrs: readonly Xattr[]): bigint {
  const property = xattrs.find(({ name }) => name === NAME)
  if (property === undefined) return 0n
  // "no" and "none"; all other values name an algorithm.
  return property.value[0] === 'n'.charCodeAt(0) ? INODE_NOCOMPRESS : INODE_COMPRESS
}

/** The words that say what differs, which can be left out of a comparison. */
import { nearestName } from '../../lib/nearest-name.ts'

/** Of entries. */
const ENTRY_WORDS = [
  ...[
    'entry',
    'type',
    'mode',
    'uid',
    'gid',
    'size',
    'device',
    'mtime',
    'atime',
    'ctime',
    'birthtime',
    'flags',
  ],
  ...['xattr', 'target', 'link', 'content'],
]
/** Of images, partitions and file systems. */
const OTHER_WORDS = [
  ...[
    'partition table',
    'disk id',
    'disk GUID',
    'partition',
    'start',
    'partition type',
    'bootable',
    'name',
    'GUID',
  ],
  ...['label', 'uuid', 'file system size', 'sectorsize', 'nodesize', 'csum_type', 'incompat_flags'],
  ...['compat_ro_flags', 'default subvolume', 'subvolume'],
]

/** All words of differences; `xattr NAME` and `subvolume PATH` are differences as well. */
export const DIFF_WORDS: readonly string[] = [...ENTRY_WORDS, ...OTHER_WORDS]

/** Words that stand for all differences that begin with them. */
const GROUPS = ['xattr', 'subvolume']

/** The group of a difference: `xattr` of `xattr user.x`. */
export function groupOf(what: string): string {
  return GROUPS.find((group) => what.startsWith(`${group} `)) ?? what
}

/** @returns what is wrong with a word that is to be ignored; undefined: nothing */
export function diffWordProblem(word: string): string | undefined {
  if (DIFF_WORDS.includes(word) || GROUPS.includes(groupOf(word))) return undefined
  const nearest = nearestName(word, DIFF_WORDS)
  const hint = nearest === undefined ? '' : `did you mean ${JSON.stringify(nearest)}? `
  return `nothing that differs is called ${JSON.stringify(word)}; ${hint}The words are: ${DIFF_WORDS.join(', ')}`
}

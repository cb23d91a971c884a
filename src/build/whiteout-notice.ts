import type { SourceEntry } from '../file-tree/entry.ts'
import { toDisplay } from '../lib/byte-string.ts'
import type { OnFinding } from '../lib/finding.ts'
import { isWhiteoutPath } from '../sources/oci/whiteout.ts'
import type { SourcePlan } from '../spec/sources/types.ts'

/**
 * Notices, once, that a tar archive is a layer of a container image: as a source of its own, its whiteouts are files, and
 * remove nothing.
 *
 * @param name of the source, for the notice
 * @returns undefined when the source is something else than a tar archive
 */
export function whiteoutNotice(
  source: SourcePlan,
  name: string,
  onFinding: OnFinding,
): ((entry: SourceEntry) => void) | undefined {
  if (source.kind !== 'tar') return undefined
  let isNoticed = false
  return ({ path }) => {
    if (isNoticed || !isWhiteoutPath(path)) return
    isNoticed = true
    onFinding({
      severity: 'notice',
      where: name,
      message:
        `holds whiteouts of a container image's layer, the first ${JSON.stringify(toDisplay(path))}, as ordinary files; ` +
        'a source { "oci": ... } applies the layers of an image to each other',
    })
  }
}

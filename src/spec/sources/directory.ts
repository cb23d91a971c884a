import * as z from 'zod'
import { fileName } from '../values.ts'
import { sourceKeys, type SourceKeysSpec, type SourceKind } from './common.ts'

/** A folder of this machine as a source. */
export interface DirectorySourceSpec extends SourceKeysSpec {
  /** A folder, whose content is taken as it is. */
  directory: string
}

export interface DirectorySourcePlan {
  kind: 'directory'
  /** Absolute. */
  path: string
}

/** A folder that will be read. */
export interface PlannedDirectorySource {
  kind: 'directory'
  directory: string
}

export const directorySource = {
  schema: z.strictObject({
    directory: fileName.describe('A folder, whose content is taken as it is.'),
    ...sourceKeys,
  }),
  resolve: ({ directory }, { resolvePath }) => ({ kind: 'directory', path: resolvePath(directory) }),
  show: ({ path }) => ({ kind: 'directory', directory: path }),
} satisfies SourceKind<DirectorySourceSpec, DirectorySourcePlan, PlannedDirectorySource>

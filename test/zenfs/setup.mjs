/**
 * What the tests of ZenFS import first: mounts the image of `IMAGE` by the backend `BACKEND`, and says what cannot be
 * tested. `SOURCE=Blob`: given as a Blob; `COPY_ON_WRITE=1`: below a file system in memory that takes what is written.
 */
import { configureSingle, CopyOnWrite, InMemory, resolveMountConfig } from '@zenfs/core'
import { openAsBlob } from 'node:fs'
import * as backends from '../../dist/zenfs/index.js'

const { IMAGE, BACKEND, SOURCE, COPY_ON_WRITE } = process.env
const image = SOURCE === 'Blob' ? await openAsBlob(IMAGE) : IMAGE
const mount = { backend: backends[BACKEND], image }

if (COPY_ON_WRITE === '1') {
  const readable = await resolveMountConfig(mount)
  await configureSingle({ backend: CopyOnWrite, readable, writable: { backend: InMemory, label: 'cow' } })
} else {
  await configureSingle(mount)
}

/** Every test of these features begins with writing something. */
const WRITING = [
  'write',
  'appends',
  'directories',
  'links',
  'symlinks',
  'rename',
  'truncate',
  'times',
  'tempdir',
]
const CHANGING = ['watch', 'permissions', 'lchmod', 'xattr', 'root', 'streams']
export const flags =
  COPY_ON_WRITE === '1'
    ? {}
    : {
        ...Object.fromEntries([...WRITING, ...CHANGING].map((flag) => [flag, false])),
        ...(SOURCE === 'Blob' && { sync: false }),
      }

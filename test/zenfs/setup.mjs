/** What the tests of ZenFS import first: mounts the image, and says what a read-only file system cannot do. */
import { configureSingle } from '@zenfs/core'
import { openAsBlob } from 'node:fs'
import * as backends from '../../dist/zenfs/index.js'

const { IMAGE, BACKEND, SOURCE } = process.env
const image = SOURCE === 'Blob' ? await openAsBlob(IMAGE) : IMAGE
await configureSingle({ backend: backends[BACKEND], image })

export const flags = { write: false, ...(SOURCE === 'Blob' && { sync: false }) }

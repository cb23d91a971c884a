// Puts the JSON Schema of the image description beside the compiled code that it is made from.
import { utimesSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { imageSchema } from '../dist/spec/schema/json-schema.js'
import { replaceFile } from './replace-folder.mjs'

const target = fileURLToPath(new URL('../dist/schema.json', import.meta.url))
replaceFile(target, Buffer.from(`${JSON.stringify(imageSchema(), null, 2)}\n`))
// Its time tells when the build was, whether or not that changed it.
const now = new Date()
utimesSync(target, now, now)

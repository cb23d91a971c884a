// Puts the JSON Schema of the image description beside the compiled code that it is made from.
import { writeFileSync } from 'node:fs'
import { imageSchema } from '../dist/spec/json-schema.js'

const target = new URL('../dist/schema.json', import.meta.url)
writeFileSync(target, `${JSON.stringify(imageSchema(), null, 2)}\n`)

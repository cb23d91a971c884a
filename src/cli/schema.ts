import { imageSchema } from '../spec/schema.ts'
import { printJson } from './print.ts'

/** `diskwright schema`: the JSON Schema of the image description. */
export async function schema(): Promise<void> {
  await printJson(imageSchema())
}

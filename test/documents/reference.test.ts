/** The pages of the reference that are made from the program are up to date. RECORD_REFERENCE=1 writes them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { expect, test } from 'vitest'
import { definitionsOf } from '../../src/cli/definitions.ts'
import schemas from '../../src/cli/output-schemas.json' with { type: 'json' }
import { makeProgram } from '../../src/cli/program.ts'
import { imageSchema } from '../../src/spec/schema/json-schema.ts'
import { ROOT } from './pages.ts'
import { commandsPage } from './reference/commands-page.ts'
import { jsonOutputPage } from './reference/json-output-page.ts'
import { descriptionPage } from './reference/description-page.ts'

const PAGES: Record<string, () => string> = {
  'json-output.md': () => jsonOutputPage(schemas),
  'commands.md': () => commandsPage(definitionsOf(makeProgram())),
  'description.md': () => descriptionPage(imageSchema()),
}

test.each(Object.entries(PAGES))('%s', async (name, page) => {
  const path = join(ROOT, 'docs/reference', name)
  const made = await format(page(), { ...(await resolveConfig(path)), parser: 'markdown' })
  if (process.env.RECORD_REFERENCE === '1') writeFileSync(path, made)
  // A long page: the message is about where it is, not what it is.
  expect(readFileSync(path, 'utf8') === made, 'RECORD_REFERENCE=1 writes it again').toBe(true)
})

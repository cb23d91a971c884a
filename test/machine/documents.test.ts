/** The pages with blocks that boot a machine or use the network: all of their blocks are run. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PAGES, readPage } from '../documents/pages.ts'
import { PageRunner } from '../documents/run-page.ts'
import { runShell } from '../documents/run-shell.ts'
import { canBoot, INGREDIENTS } from './machine.ts'

const pages = PAGES.map(readPage).filter(({ blocks }) => blocks.some(({ isMachine }) => isMachine))

let runner: PageRunner
beforeAll(async () => {
  runner = await new PageRunner(runShell).open()
})
afterAll(() => runner.close())

test('there are some', () => expect(pages.length).toBeGreaterThan(0))

// INGREDIENTS is what scripts/boot-ingredients.sh has made: kernels, boot loaders, closures.
test.skipIf(!canBoot()).each(pages.map((page) => [page.path, page] as const))('%s', (_, page) =>
  runner.run(page, { machine: true, env: { INGREDIENTS: join(INGREDIENTS) } }),
)

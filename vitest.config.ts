import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** The tests that take minutes have commands of their own: npm run test:large, test:matrix, test:machine. */
const apart = ['large', 'matrix', 'machine'].find((name) => process.env[`TEST_${name.toUpperCase()}`] === '1')

const dist = (path: string) => fileURLToPath(new URL(`dist/${path}`, import.meta.url))

export default defineConfig({
  // Whole images are built by the library as it is shipped: its worker threads are files of dist/.
  resolve: { alias: [{ find: /^diskwright$/, replacement: dist('index.js') }] },
  test: {
    include: [`test/${apart ?? '**'}/**/*.test.ts`],
    exclude: apart === undefined ? ['test/large/**', 'test/machine/**'] : [],
    globalSetup: 'test/global-setup.ts',
    testTimeout: 120_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
  },
})

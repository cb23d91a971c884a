import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** The tests that take minutes have commands of their own: npm run test:large, npm run test:matrix. */
const large = process.env.TEST_LARGE === '1'
const matrix = process.env.TEST_MATRIX === '1'

export default defineConfig({
  // Whole images are built by the library as it is shipped: its worker threads are files of dist/.
  resolve: { alias: { diskwright: fileURLToPath(new URL('dist/index.js', import.meta.url)) } },
  test: {
    include: [large ? 'test/large/**/*.test.ts' : matrix ? 'test/matrix/**/*.test.ts' : 'test/**/*.test.ts'],
    exclude: large ? [] : ['test/large/**'],
    globalSetup: 'test/global-setup.ts',
    testTimeout: 120_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
  },
})

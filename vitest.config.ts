import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { hangGuard } from './test/harness/hang-guard.ts'
import { LongestFirst } from './test/harness/longest-first.ts'

/** Tests that take long run alone: npm run test:large, test:matrix, test:boot. */
const alone = ['large', 'matrix', 'machine'].find((name) => process.env[`TEST_${name.toUpperCase()}`] === '1')
const JUDGED = 'test/**/*.judged.test.ts'
const LONG = ['test/large/**', 'test/machine/**']

const dist = (path: string) => fileURLToPath(new URL(`dist/${path}`, import.meta.url))

export default defineConfig({
  plugins: [hangGuard()],
  // Whole images are built by the library as it is shipped: its worker threads are files of dist/.
  resolve: { alias: [{ find: /^diskwright$/, replacement: dist('index.js') }] },
  test: {
    globalSetup: 'test/global-setup.ts',
    // No time limit decides a verdict; the guard ends a run that hangs.
    testTimeout: 0,
    hookTimeout: 0,
    teardownTimeout: 600_000,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects:
      alone !== undefined
        ? [{ extends: true, test: { name: alone, include: [`test/${alone}/**/*.test.ts`] } }]
        : [
            {
              extends: true,
              test: {
                name: 'unit',
                include: ['test/**/*.test.ts'],
                exclude: [JUDGED, ...LONG],
                setupFiles: 'test/harness/nothing-but-node.ts',
                // Loading the modules anew for each file takes as long as half of the tests.
                isolate: false,
              },
            },
            { extends: true, test: { name: 'judged', include: [JUDGED], exclude: LONG } },
          ],
  },
})

import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take as long as many others together. Two files run at a time: the longest must not be the last. */
const LONGEST = [/\/test\/machine\/first-boot\.test\.ts$/, /\/test\/machine\/loaders\.test\.ts$/]

/** The usual order, but the longest files first. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const longest = LONGEST.flatMap((pattern) => sorted.filter(({ moduleId }) => pattern.test(moduleId)))
    return [...longest, ...sorted.filter((file) => !longest.includes(file))]
  }
}

/** The text of a description, JSON (which may contain comments) or YAML, and the place of each value in it. */
import { CommandError } from './exit.ts'
import { parseJsonPath } from './json-path.ts'

export interface DescriptionText {
  value: unknown
  /**
   * Line and column of a value, or of its key: `12:7`. For a missing value, those of the object or list that would hold it.
   *
   * @param path JSON path, as in messages
   */
  placeOf: (path: string) => string
}

/**
 * Parses a description.
 *
 * @param name of the file, for messages; `.yaml` and `.yml` are YAML, `.json` is JSON; for others, the first character decides
 * @throws CommandError with the line and column of what is wrong
 */
export async function parseDescription(text: string, name: string): Promise<DescriptionText> {
  if (!isYaml(text, name)) return parseJson(text, name)
  const { parseYaml } = await import('./yaml.ts')
  return parseYaml(text, name)
}

function isYaml(text: string, name: string): boolean {
  if (/\.ya?ml$/i.test(name)) return true
  if (/\.json[c5]?$/i.test(name)) return false
  // A description in JSON is an object, possibly after comments. Anything else is YAML.
  const start = text.replace(/^(?:\s+|\/\/[^\n]*|\/\*[^]*?\*\/)*/, '')
  return start !== '' && !start.startsWith('{') && !start.startsWith('[')
}

/** The parsers are loaded only for descriptions: other commands start sooner without them. */
async function parseJson(text: string, name: string): Promise<DescriptionText> {
  const [{ findJsonProblem }, { findNodeAtLocation, getNodeValue, parseTree }] = await Promise.all([
    import('../lib/json-text.ts'),
    import('jsonc-parser'),
  ])
  const problem = findJsonProblem(text, { comments: true })
  if (problem !== undefined) {
    throw new CommandError([`${name}:${problem.line}:${problem.column}: ${problem.message}`])
  }
  const tree = parseTree(text, [], { allowTrailingComma: true })!
  return {
    value: getNodeValue(tree),
    placeOf(jsonPath) {
      const path = parseJsonPath(jsonPath)
      for (let length = path.length; length > 0; length--) {
        const node = findNodeAtLocation(tree, path.slice(0, length))
        if (node === undefined) continue
        const { offset } = node.parent?.type === 'property' ? node.parent : node
        return placeText(text, offset)
      }
      return placeText(text, tree.offset)
    },
  }
}

/** @returns line and column, both from 1 */
function placeText(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n')
  return `${before.length}:${before.at(-1)!.length + 1}`
}

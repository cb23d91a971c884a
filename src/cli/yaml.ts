/** Descriptions in YAML. This module loads the parser, so it is itself loaded only for such descriptions. */
import { isMap, isPair, isScalar, LineCounter, parseDocument, stringify, visit } from 'yaml'
import type { DescriptionText } from './description-text.ts'
import { CommandError } from './exit.ts'
import { parseJsonPath } from './json-path.ts'

/** @throws CommandError with the line and column of what is wrong */
export function parseYaml(text: string, name: string): DescriptionText {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // Only decimal integers are numbers. Modes (0644), ids (0x2178694e) and versions (2025.10) are strings.
    customTags: (tags) =>
      tags.flatMap((tag) => {
        if (typeof tag === 'string' || !/:(int|float)$/.test(tag.tag)) return [tag]
        const isPlain = tag.tag.endsWith(':int') && tag.format === undefined
        return isPlain ? [{ ...tag, test: /^-?(?:0|[1-9]\d*)$/ } as typeof tag] : []
      }),
  })
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${line}:${col}`
  }
  const [error] = document.errors
  if (error !== undefined) {
    throw new CommandError([`${name}:${at(error.pos[0])}: ${yamlMessage(error.message)}`])
  }
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return
      throw new CommandError([
        `${name}:${at(alias.range?.[0] ?? 0)}: the alias ${JSON.stringify(alias.source)} has no anchor before it`,
      ])
    },
  })
  return {
    value: toValue(() => document.toJS({ maxAliasCount: 100 }) as unknown, name),
    placeOf(jsonPath) {
      const path = parseJsonPath(jsonPath)
      for (let length = path.length; length > 0; length--) {
        const holder: unknown =
          length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
        const key = path[length - 1]
        if (isMap(holder)) {
          const pair = holder.items.find(
            (item) => isPair(item) && isScalar(item.key) && item.key.value === key,
          )
          const range = isScalar(pair?.key) ? pair.key.range : undefined
          if (range !== undefined && range !== null) return at(range[0])
          continue
        }
        const node: unknown = document.getIn(path.slice(0, length), true)
        const range = (node as { range?: [number, number, number] | null } | undefined)?.range
        if (range !== undefined && range !== null) return at(range[0])
      }
      return at(document.contents?.range?.[0] ?? 0)
    },
  }
}

/** Too many aliases are an error in the text. */
function toValue(convert: () => unknown, name: string): unknown {
  try {
    return convert()
  } catch (error) {
    throw new CommandError([`${name}: ${(error as Error).message}`], { cause: error })
  }
}

/** In lower case and without a period, like the other messages. */
function yamlMessage(message: string): string {
  const [line] = message.split('\n')
  return `${line[0].toLowerCase()}${line.slice(1)}`.replace(/\.$/, '')
}

/** @param comments lines to put before the value */
export function formatYaml(value: unknown, comments: readonly string[]): string {
  return `${comments.map((line) => `# ${line}\n`).join('')}\n${stringify(value, { lineWidth: 0 })}`
}

/** JSON paths as messages have them. */

/** The keys of a JSON path, as far as it is one: `partitions[1].subvolumes[0].name`. */
export function parseJsonPath(path: string): (string | number)[] {
  const keys: (string | number)[] = []
  const part = /\.?([A-Za-z_$][\w$]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y
  for (let match = part.exec(path); match !== null; match = part.exec(path)) {
    const [, name, index, quoted] = match
    keys.push(name ?? (index === undefined ? (JSON.parse(quoted) as string) : Number(index)))
  }
  return keys
}

/** JSON paths, in the notation of messages. */

/** The keys of a JSON path such as `partitions[1].subvolumes[0].name`, up to the first part that is not valid. */
export function parseJsonPath(path: string): (string | number)[] {
  const keys: (string | number)[] = []
  const part = /\.?([A-Za-z_$][\w$]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y
  for (let match = part.exec(path); match !== null; match = part.exec(path)) {
    const [, name, index, quoted] = match
    keys.push(name ?? (index === undefined ? (JSON.parse(quoted) as string) : Number(index)))
  }
  return keys
}

/** Fills a rectangle with smaller ones. (Bruls, Huizing, van Wijk: "Squarified Treemaps", 2000) */

export interface Rectangle {
  x: number
  y: number
  width: number
  height: number
}

/**
 * Rectangles whose areas are in proportion to `sizes`, as nearly square as comes easily.
 *
 * @param sizes descending, none below 0
 */
export function squarify(sizes: readonly number[], into: Rectangle): Rectangle[] {
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const found: Rectangle[] = []
  const free = { ...into }
  const scale = total > 0 ? (into.width * into.height) / total : 0
  for (let start = 0; start < sizes.length;) {
    const side = Math.min(free.width, free.height)
    let end = start + 1
    let area = sizes[start] * scale
    // A row grows for as long as the worst of its rectangles gets no worse.
    while (end < sizes.length) {
      const larger = area + sizes[end] * scale
      const before = worstAspect(sizes[start] * scale, sizes[end - 1] * scale, area, side)
      if (worstAspect(sizes[start] * scale, sizes[end] * scale, larger, side) > before) break
      area = larger
      end++
    }
    found.push(...layRow(sizes.slice(start, end), { area, scale, free }))
    start = end
  }
  return found
}

function worstAspect(largest: number, smallest: number, area: number, side: number): number {
  const thickness = area / Math.max(side, 1e-9)
  const aspect = (part: number) => {
    const length = part / Math.max(thickness, 1e-9)
    return Math.max(length / Math.max(thickness, 1e-9), thickness / Math.max(length, 1e-9))
  }
  return Math.max(aspect(largest), aspect(smallest))
}

/** Lays a row along the shorter side, and takes its space away. */
function layRow(
  row: readonly number[],
  { area, scale, free }: { area: number; scale: number; free: Rectangle },
): Rectangle[] {
  const isColumn = free.width >= free.height
  const side = isColumn ? free.height : free.width
  const thickness = side > 0 ? area / side : 0
  let along = isColumn ? free.y : free.x
  const laid = row.map((size) => {
    const length = thickness > 0 ? (size * scale) / thickness : 0
    const rectangle = isColumn
      ? { x: free.x, y: along, width: thickness, height: length }
      : { x: along, y: free.y, width: length, height: thickness }
    along += length
    return rectangle
  })
  if (isColumn) {
    free.x += thickness
    free.width = Math.max(0, free.width - thickness)
  } else {
    free.y += thickness
    free.height = Math.max(0, free.height - thickness)
  }
  return laid
}

import type { Found } from '../detector.ts'

/** Sets each attribute to what stands at its path; all are asked for at once, and all must be there. */
export async function textFields(
  found: Found,
  get: (path: string) => Promise<string>,
  paths: Readonly<Record<string, string>>,
): Promise<void> {
  const values = await Promise.all(Object.entries(paths).map(async ([name, path]) => [name, await get(path)] as const))
  for (const [name, value] of values) found.set(name, value)
}

/** Resolves when `work` is done, or when `deadline` aborts: then waiting longer is pointless, and the work goes on unheard. */
export async function beforeDeadline(work: Promise<unknown>, deadline: AbortSignal): Promise<void> {
  if (deadline.aborted) {
    work.catch(() => {})
    return
  }
  const late = Promise.withResolvers<void>()
  deadline.addEventListener('abort', () => late.resolve(), { once: true })
  await Promise.race([work, late.promise])
}

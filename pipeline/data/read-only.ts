/** Gives each getter of a view a setter that says where writing is allowed; without it JavaScript only says that there is no setter. */
export function readOnly(view: { readonly prototype: object }, noun: string, where: string): void {
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(view.prototype))) {
    if (property.get === undefined || property.set !== undefined) continue
    const message = `${noun}.${name} is read-only here: set it inside ${where}, where it can be set at all`
    Object.defineProperty(view.prototype, name, {
      ...property,
      set() {
        throw new TypeError(message)
      },
    })
  }
}

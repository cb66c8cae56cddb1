/** The element with this id; the page is broken without it. */
export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no element #${id}.`);
  return found as E;
}

/** Makes an element. Text is always text: nothing that a peer says becomes markup. */
export function element<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, className = '', ...children: readonly (Node | string)[]): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
}

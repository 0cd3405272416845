// The templates of index.html, copied.

/** A copy of the template with this id, and its parts by their names. */
export function copied(id) {
  const element = document.getElementById(id).content.firstElementChild.cloneNode(true);
  const named = element.querySelectorAll("[data-part]");
  return { element, parts: Object.fromEntries(Array.from(named, (part) => [part.dataset.part, part])) };
}

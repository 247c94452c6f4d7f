"""What is read of a settled page, in the browser."""

from tasks.model import SMALL_PIXELS

MAX_TEXTS = 20_000

LOOK = f"""
(limit) => {{
  // Elements of the page may carry the names of what is asked here, and would be found first.
  const of = (type, name, thing) => Object.getOwnPropertyDescriptor(type.prototype, name).get.call(thing);
  const root = of(Document, "documentElement", document);
  const doctype = of(Document, "doctype", document);
  const before = doctype ? new XMLSerializer().serializeToString(doctype) + "\\n" : "";
  const html = before + (root ? of(Element, "outerHTML", root) : "");
  let small = 0, all = 0;
  if (root) {{
    const texts = Document.prototype.createTreeWalker.call(document, root, NodeFilter.SHOW_TEXT);
    for (let node, count = 0; count < {MAX_TEXTS} && (node = texts.nextNode()); count++) {{
      const length = node.data.trim().length;
      const parent = of(Node, "parentElement", node);
      if (!length || !parent || !Element.prototype.checkVisibility.call(parent, {{visibilityProperty: true}})) continue;
      all += length;
      if (parseFloat(getComputedStyle(parent).fontSize) < {SMALL_PIXELS}) small += length;
    }}
  }}
  return {{html: html.length > limit ? null : html, small, all}};
}}
"""
"""Takes the longest document wanted, characters; returns the document or null, and its visible characters."""

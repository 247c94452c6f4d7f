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
  const shadows = [];
  for (const trees = root ? [root] : []; trees.length;) {{
    const elements = Document.prototype.createTreeWalker.call(document, trees.pop(), NodeFilter.SHOW_ELEMENT);
    for (let node; (node = elements.nextNode());) {{
      const shadow = of(Element, "shadowRoot", node);
      if (!shadow) continue;
      shadows.push(shadow);
      trees.push(shadow);
    }}
  }}
  let html = root ? of(Element, "outerHTML", root) : "";
  if (shadows.length && Element.prototype.getHTML) {{
    const shell = of(Element, "outerHTML", Node.prototype.cloneNode.call(root, false));
    html = shell.replace(/<[/]html>$/, "") + Element.prototype.getHTML.call(root, {{shadowRoots: shadows}}) + "</html>";
  }}
  html = before + html;
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
"""Takes the longest document wanted, characters; returns the document or null, and its visible characters.

Open shadow trees are part of the document, as declarative ones; of the characters they are not.
"""

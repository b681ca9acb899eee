// What is wrong with how a page looks, as sentences. Run in the page.
() => {
  const problems = [], say = (what, node) => problems.push(`${what}: ${(node.textContent || '').trim().slice(0, 60)}`);
  const inside = (a, b, by) => a.left >= b.left - by && a.right <= b.right + by && a.top >= b.top - by && a.bottom <= b.bottom + by;
  const meets = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1.5 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2.5;

  if (document.documentElement.scrollWidth > innerWidth) problems.push(`the page is ${document.documentElement.scrollWidth} wide`);

  // Charts: drawn, and every label whole and by itself.
  for (const chart of document.querySelectorAll('svg[role=img]')) {
    const frame = chart.getBoundingClientRect(), labels = [...chart.querySelectorAll('text')].map(t => [t, t.getBoundingClientRect()]);
    const drawn = [...chart.querySelectorAll('path')].filter(p => p.getAttribute('d').length > 12 && p.getBBox().width > 20);
    if (frame.width < 100 || frame.height < 50) say('chart too small', chart);
    if (drawn.length < 1) problems.push(`nothing drawn: ${chart.getAttribute('aria-label')}`);
    if (labels.length < 4) problems.push(`no axes: ${chart.getAttribute('aria-label')}`);
    for (const [text, box] of labels) if (!inside(box, frame, 1)) say('label cut', text);
    labels.forEach(([text, box], i) => labels.slice(i + 1).forEach(([, other]) => { if (meets(box, other)) say('labels overlap', text); }));
  }
  for (const figure of document.querySelectorAll('figure'))
    if (!figure.querySelector('svg[role=img], tbody tr, p')) say('empty figure', figure);

  // Text: on the screen, not over other text, and dark enough on what is behind it.
  const colour = text => { const c = text.match(/[\d.]+/g).map(Number); return c.length < 4 ? [...c.slice(0, 3), 1] : c; };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
  const dark = matchMedia('(prefers-color-scheme: dark)').matches, grounds = new Map([[null, dark ? [0, 0, 0] : [255, 255, 255]]]);
  const behind = node => { if (!grounds.has(node)) grounds.set(node, over(colour(getComputedStyle(node).backgroundColor), behind(node.parentElement))); return grounds.get(node); };
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const contrast = (a, b) => { const [x, y] = [light(a), light(b)]; return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };

  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), texts = [];
  for (let node; (node = walk.nextNode());) {
    const parent = node.parentElement;
    if (!node.textContent.trim() || parent.closest('svg, details:not([open]) > :not(summary), .skip') || !parent.checkVisibility()) continue;
    const range = document.createRange(); range.selectNodeContents(node);
    for (const box of range.getClientRects()) texts.push([parent, box]);
    const seen = contrast(over(colour(getComputedStyle(parent).color), behind(parent)), behind(parent));
    if (seen < 4.5) say(`contrast ${seen.toFixed(1)}`, parent);
  }
  for (const [parent, box] of texts)
    if (!parent.closest('.scroll') && (box.left < -1 || box.right > innerWidth + 1)) say('text beyond the page', parent);
  const shown = texts.filter(([parent, box]) => { const pane = parent.closest('.scroll'); return !pane || inside(box, pane.getBoundingClientRect(), 2); });
  shown.sort((a, b) => a[1].top - b[1].top);
  shown.forEach(([parent, box], i) => {
    for (let j = i + 1; j < shown.length && shown[j][1].top < box.bottom; j++)
      if (!parent.closest('nav ul') && !shown[j][0].closest('nav ul') && meets(box, shown[j][1])) say(`text over ${shown[j][0].textContent.slice(0, 30)}`, parent);
  });

  // Lines and areas are told from what is behind them.
  const ground = behind(document.body);
  for (const swatch of document.querySelectorAll('.legend rect')) {
    const seen = contrast(colour(getComputedStyle(swatch).fill), ground);
    if (seen < 1.5) problems.push(`series of contrast ${seen.toFixed(1)}`);
  }
  return problems;
}

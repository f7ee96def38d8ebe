"""Looking at the demo's pages in a real browser: what they show, what their console says, and whether everybody can use them."""

from playwright.async_api import expect

OUTCOMES = """(outcomes) => outcomes.map((each) => ({
  state: each.dataset.state,
  heard: each.querySelector('[data-fill=heard]').textContent,
  known: each.querySelector('[data-fill=known]').textContent,
}))"""
VIEWS = {
    "desktop": {"viewport": {"width": 1440, "height": 900}},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"},
}
FAULTS = """() => {
  const faults = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const name = (each) => (each.getAttribute('aria-label') || each.title || each.textContent).trim();
  if (!document.documentElement.lang) faults.push('no language');
  if (!document.title) faults.push('no title');
  if (all('main').length !== 1) faults.push('not one main');
  const levels = all('main h1, main h2, main h3, aside h2, aside h3').map((each) => Number(each.tagName[1]));
  if (levels.filter((level) => level === 1).length !== 1) faults.push('not one h1');
  levels.reduce((above, level) => (level > above + 1 && faults.push(`h${level} under h${above}`), level), 0);
  const ids = all('[id]').map((each) => each.id);
  faults.push(...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `id ${id} twice`));
  for (const each of all('a, button, summary, iframe, nav, section, [role=img]')) {
    const labelled = document.getElementById(each.getAttribute('aria-labelledby') ?? '');
    if (!name(each) && !labelled) faults.push(`no name: ${each.outerHTML.slice(0, 80)}`);
  }
  for (const each of all('[aria-labelledby]')) {
    if (!document.getElementById(each.getAttribute('aria-labelledby'))) faults.push('labelled by nothing');
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push('wider than the window');
  return faults;
}"""
# WCAG 2.2, 1.4.3: 4.5 to 1 for text. What is disabled is left out, as there.
FAINT = """() => {
  const read = (color) => color.match(/[\\d.]+/g).map(Number);
  const part = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ([red, green, blue]) => 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
  const paper = (each) => {
    for (let at = each; at; at = at.parentElement) {
      const [red, green, blue, alpha = 1] = read(getComputedStyle(at).backgroundColor);
      if (alpha === 1) return [red, green, blue];
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const each = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !each.checkVisibility() || each.closest('script, svg, :disabled, .skip')) continue;
    const [high, low] = [light(read(getComputedStyle(each).color)), light(paper(each))].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)}: ${walker.currentNode.data.trim().slice(0, 40)}`);
  }
  return faint;
}"""


class Visit:
    """A window on a page of the demo. errors: what its console showed."""

    def __init__(self, page):
        self.page = page
        self.errors = []
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    async def go(self, address):
        await self.page.goto(address)
        await expect(self.page.locator(".outcome[data-state=waiting]")).to_have_count(0, timeout=60_000)

    async def outcomes(self):
        return await self.page.locator(".outcome").evaluate_all(OUTCOMES)

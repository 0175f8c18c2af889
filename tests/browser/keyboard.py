"""What the browser knows about the keyboard: what a mouse could press, what has the focus, and whether one sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import ElementHandle, Locator, Page

MOST = 400  # presses of Tab before a walk counts as one without an end

# Of a group (the options of a row, the tabs) Tab reaches one, and arrows go on from there: so a group is one stop.
# The small plus and minus of a number, and the arrow of a box of choices, are what arrow keys do in the field itself.
PREPARE = """
() => {
  const still = document.createElement('style')
  still.textContent = '* { transition: none !important; animation: none !important }'
  document.head.append(still)
  const PRESSED = 'a[href], button, input:not([type=hidden]), textarea, select, summary, [role=button], [role=link], ' +
    '[role=tab], [role=radio], [role=checkbox], [role=switch], [role=slider], [role=combobox], [role=grid]'
  const GROUPS = '[role=radiogroup], [role=toolbar], [role=tablist], [role=grid]'
  const ARROWS = '[data-testid=stNumberInputStepUp], [data-testid=stNumberInputStepDown], ' +
    '[role=group]:has([role=combobox]) button, [data-testid=stSelectbox] button, [data-testid=stMultiSelect] button'
  const gone = one => one.closest('[inert], [aria-hidden=true]') || one.disabled ||
    one.getAttribute('aria-disabled') === 'true' ||
    !one.checkVisibility({visibilityProperty: true}) || !one.getClientRects().length
  const seen = one => {  // what stands for a hidden input is its label
    const box = one.getBoundingClientRect()
    const wide = box.width > 2 && box.height > 2 ? one : (one.closest('label') || one.parentElement)
    return wide.getBoundingClientRect()
  }
  const LOOKS = ['outlineStyle', 'outlineColor', 'outlineWidth', 'boxShadow', 'backgroundColor', 'color', 'opacity',
    'borderTopColor', 'borderBottomColor', 'textDecorationLine', 'visibility', 'fill']
  const look = one => [one, ...['::before', '::after'].map(name => [one, name])].map(part => {
    const [node, name] = Array.isArray(part) ? part : [part, null]
    const style = getComputedStyle(node, name)
    return LOOKS.map(key => style[key]).join(' ')
  }).join('|')
  const kb = window.kb = {targets: [], last: null, held: [], idle: new Map(), numbers: new Map()}
  kb.active = () => {  // also within a component that keeps to itself
    let one = document.activeElement
    while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement
    return one
  }
  kb.host = one => one.getRootNode() === document ? one : kb.host(one.getRootNode().host)
  kb.named = one => [one.getAttribute('role') || one.tagName.toLowerCase(), (one.getAttribute('aria-label') ||
    one.closest('label')?.textContent || one.textContent || one.getAttribute('title') || '').trim().slice(0, 50),
    one.closest('[data-testid]')?.getAttribute('data-testid')].join(' · ')
  kb.group = one => one.closest(GROUPS) || one
  // Looks of what has the focus and of what lies around it, within the same widget.
  kb.around = one => {
    const home = one.closest('[data-testid=stElementContainer]') || one.parentElement || one
    const up = []
    for (let it = one; it && it !== document.body && up.length < 12; it = it.parentElement) {
      up.push(it)
      if (it === home) break
    }
    const within = one.matches('main') ? [] : [...one.querySelectorAll('*')]
    const beside = one.parentElement && !one.matches('main') ? [...one.parentElement.children] : []
    return [...new Set([...up, ...within, ...beside])].slice(0, 80)
  }
  kb.list = scope => {
    const places = [...document.querySelectorAll(scope)]
    const pressed = places.flatMap(place => [...place.querySelectorAll(PRESSED)])
    kb.targets = [...new Set(pressed.filter(one => !gone(one) && !one.matches(ARROWS)).map(kb.group))]
    kb.idle = new Map(kb.targets.flatMap(kb.around).map(node => [node, look(node)]))
  }
  // Of each stop, whether it looks other now that nothing has the focus: two stops of one widget can look alike.
  kb.left = () => {
    document.activeElement?.blur()
    return kb.held.map(one => one.nodes.some((node, place) => node.isConnected && look(node) !== one.looks[place]))
  }
  kb.step = () => {
    const one = kb.active()
    const before = kb.last
    let visible = null
    if (before && before.one !== one) {
      visible = before.nodes.some((node, place) => node.isConnected && look(node) !== before.looks[place])
    }
    if (!one || one === document.body) { kb.last = null; return {end: true, before: visible} }
    const nodes = kb.around(one)
    kb.last = {one, nodes, looks: nodes.map(look)}
    kb.held.push(kb.last)
    const host = kb.host(one)
    const now = nodes.some(node => kb.idle.has(node) && kb.idle.get(node) !== look(node))
    const box = seen(one)
    const main = document.querySelector('[data-testid=stMain]')
    const again = kb.numbers.has(one)
    if (!again) kb.numbers.set(one, kb.numbers.size)
    const cell = again && one.tagName === 'CANVAS' && kb.numbers.get(one) === kb.numbers.size - 1
    return {
      end: false, place: kb.held.length - 1, again: again && !cell, cell, first: kb.numbers.get(one) === 0,
      before: visible, now,
      canvas: one.tagName === 'CANVAS', name: kb.named(host), group: kb.targets.indexOf(kb.group(host)),
      main: main.contains(host) && host !== main, positive: one.tabIndex > 0,
      shown: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
      box: [box.left, box.top + main.scrollTop, box.right, box.bottom + main.scrollTop],
    }
  }
}
"""


@dataclass(frozen=True)
class Stop:
    """Where Tab stopped. group: which of the things that a mouse can press, -1 for none. box: left, top, right, bottom
    in pixels of the whole page. shown: within the window. seen: something around it looks other than without the
    focus; None where that could not be told."""

    name: str
    group: int
    main: bool
    positive: bool
    shown: bool
    box: tuple[float, float, float, float]
    seen: bool | None


def walk(page: Page, scope: str) -> tuple[list[str], list[Stop], bool]:
    """From the top of the page by Tab alone until the focus leaves the page or comes back to where it was.

    Returns the names of what a mouse can press within `scope` (a CSS selector), the stops, and whether the walk ended.
    """
    page.evaluate(PREPARE)
    page.evaluate("scope => window.kb.list(scope)", scope)
    names: list[str] = page.evaluate("window.kb.targets.map(window.kb.named)")
    page.evaluate("document.activeElement?.blur()")
    found: list[dict[str, Any]] = []
    ended, pictures = False, None
    for _ in range(MOST):
        page.keyboard.press("Tab")
        step = page.evaluate("window.kb.step()")
        if found and step["before"] is not None:
            found[-1]["seen"] = found[-1]["now"] or step["before"] or _drawn_anew(pictures)
        if step["end"] or step["again"]:
            ended = step["end"] or step["first"]  # else it went back to where it had been, and there is no way out
            break
        if not step["cell"]:  # a table is left behind its last column
            found.append(step)
            pictures = _pictured(page) if step["canvas"] else None
    left: list[bool] = page.evaluate("window.kb.left()")
    for step in found:
        step["seen"] = step.get("seen") or left[step["place"]]
    stops = [
        Stop(
            step["name"],
            step["group"],
            step["main"],
            step["positive"],
            step["shown"],
            tuple(step["box"]),
            step.get("seen"),
        )
        for step in found
    ]
    return names, stops, ended


def _pictured(page: Page) -> tuple[ElementHandle, bytes]:
    """What draws itself, a table, as it looks with the focus."""
    one = page.evaluate_handle("window.kb.active()").as_element()
    assert one is not None
    return one, one.screenshot()


def _drawn_anew(pictured: tuple[ElementHandle, bytes] | None) -> bool:
    """Whether it looks other without the focus."""
    return pictured is not None and pictured[0].screenshot() != pictured[1]


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until `wanted` has the focus."""
    for _ in range(MOST):
        if wanted.evaluate("one => one === document.activeElement || one.contains(document.activeElement)"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {wanted}")

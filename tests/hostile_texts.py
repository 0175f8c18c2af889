"""Texts that people should not have to fear: what a page, a table or a tokenizer may trip over."""

from __future__ import annotations

# Where it became markup, an element carries `data-hostile`; where it ran, `window.ran` is set.
MARKUP = '<b data-hostile>bold</b> <img src=x data-hostile onerror="window.ran=1"> <svg/onload=window.ran=2>'
TEXTS = {
    "markup": MARKUP,
    "script": "</script></style></textarea></title><script data-hostile>window.ran=3</script><!-- ",
    "markdown": "[go](javascript:window.ran=4) ![i](x.png) **bold** # title | a | b | `code` $x^2$ :smile: :red[x]",
    "template": "{{7*7}} ${7*7} {0} %s %(x)s <%= 7*7 %> #{7*7} \\x41 &lt;&amp;&#60;",
    "turned round": "was \u202egood\u202c and \u2067bad\u2069 \u200fthen\u200e; \u202ano end",
    "zalgo": "".join(letter + "\u0301\u0316\u0489\u035c\u0360" * 6 for letter in "the film was fine"),
    "unseen": "a\u200bb\u200c\u200d\u2060\ufeff\u00ad\ufe0f c\u0085d\u2028e\u2029f\u001bg\u0007h",
    "astral": "\U0001f469\u200d\U0001f469\u200d\U0001f466 \U0001f3f4\U000e0067\U000e0062 \U0002070e \ufffd \ufdfd",
    "formula": '=HYPERLINK("http://x","click")',
    "long": "x" * 1_000_000,
    "lines": "one\r\ntwo\rthree\n\n\n\tfour",
}
BECAME_MARKUP = """() => [window.ran ?? null, document.querySelectorAll(
  '[data-hostile], img[src=x], img[src="x.png"], a[href^=javascript], svg[onload]').length]"""
SEEN = """() => document.body.textContent +
  [...document.querySelectorAll('input, textarea')].map(one => one.value).join(' ')"""

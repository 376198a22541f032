"""What holds for every page of the web app: anybody can use it, nobody can smuggle anything into it."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from tests.browser.conftest import AppTeam
from tests.browser.web_app import OpenApp
from tests.nasty import TEXTS

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AXE = """(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}}).then(({violations}) =>
    violations.map(({id, nodes}) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join(' | ')}`))"""
CONTRAST = """() => axe.run(document, {runOnly: {type: 'rule', values: ['color-contrast']}}).then(({violations}) =>
    violations.flatMap(({nodes}) => nodes.map((node) => `${node.target} ${node.failureSummary}`)))"""
VIEWS: list[Callable[[AppTeam], str]] = [
    lambda team: team.path,
    lambda team: f"/w/{team.workspace}/dashboard",
    lambda team: f"/w/{team.workspace}/channels",
    lambda team: f"/w/{team.workspace}/members",
    lambda team: f"/w/{team.workspace}/invitations",
    lambda team: f"/w/{team.workspace}/settings",
    lambda team: f"/w/{team.workspace}/audit",
    lambda team: f"{team.path}/settings",
    lambda team: "/notifications",
    lambda team: "/account",
]
# HTML and addresses that would run if anything took text for markup.
SMUGGLED = [
    "<script>wrongs.push('script')</script>",
    "<img src=x onerror=wrongs.push('img')>",
    '"><svg onload=wrongs.push("svg")>',
    "'-wrongs.push('js')-'",
    "<iframe srcdoc='<script>parent.wrongs.push(1)</script>'></iframe>",
    "<a href='javascript:wrongs.push(1)'>x</a>",
    "javascript:wrongs.push('address')",
    'https://example.com/"onmouseover="wrongs.push(1)',
    "http://example.com/<script>wrongs.push(1)</script>",
    "```<b onclick=wrongs.push(1)>code</b>```",
    "`<img src=x onerror=wrongs.push(1)>`",
    "${wrongs.push(1)} {{wrongs.push(1)}} <%= 1 %>",
    "<style>*{display:none}</style>",
    "</textarea><script>wrongs.push('closed')</script>",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=wrongs.push(1)>",
    "@<b>nobody</b> &lt;script&gt; &#60;script&#62;",
]
FOREIGN = "document.querySelectorAll('#app script, #app iframe, #app img, #app style, #app math, #app b').length"


async def assert_accessible(page: Any, what: str, narrow: bool = True) -> None:
    """By axe-core, as light and as dark, in a window and on a phone."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    await page.wait_for_function("() => !document.querySelector('.loading')")
    await page.wait_for_timeout(400)  # until what fades in is there
    try:
        assert await page.evaluate(AXE, TAGS) == [], what
        await page.emulate_media(color_scheme="dark")
        await page.wait_for_timeout(150)  # colours change softly
        assert await page.evaluate(CONTRAST) == [], f"{what}, dark"
        if not narrow:
            return
        await page.set_viewport_size(NARROW)
        assert await page.evaluate(AXE, TAGS) == [], f"{what}, narrow"
        assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth"), f"{what} is wider than a phone"
    finally:
        await page.emulate_media(color_scheme="light")
        await page.set_viewport_size(WIDE)


async def test_axe_finds_what_is_wrong(open_app: OpenApp) -> None:
    nobody = await open_app(None, "/sign-in")
    await nobody.page.get_by_label("Email").wait_for()
    await assert_accessible(nobody.page, "as it is")
    await nobody.page.evaluate("document.querySelector('form button').textContent = ''")
    with pytest.raises(AssertionError, match="button-name"):
        await assert_accessible(nobody.page, "a button without a name")


async def test_no_page_has_an_accessibility_violation(open_app: OpenApp, app_team: AppTeam) -> None:
    text = f"@{app_team.ann.username} see `code` and https://example.com/\n```\nblock\n```"
    sent = await app_team.bob.say(app_team.general, text)
    await app_team.ann.say(app_team.general, "Mine")
    await app_team.bob.delete(f"/api/messages/{(await app_team.bob.say(app_team.general))['message_id']}/")
    ann = await open_app(app_team.ann, f"{app_team.path}/m/{sent['message_id']}")
    for view in VIEWS:
        await ann.go(view(app_team))
        await ann.page.locator("h1").wait_for()
        await assert_accessible(ann.page, view(app_team))


async def test_neither_have_dialogs_menus_and_the_pages_before_the_door(open_app: OpenApp, app_team: AppTeam) -> None:
    nobody = await open_app(None, "/register")
    for path in ("/register", "/invite/abc", "/nowhere/at/all"):
        await nobody.go(path)
        await nobody.page.locator("h1").wait_for()
        await assert_accessible(nobody.page, path)
    ann = await open_app(app_team.ann, app_team.path)
    await ann.composer.wait_for()
    openers: list[Callable[[], Any]] = [
        lambda: ann.page.get_by_role("button", name="New channel").click(),
        lambda: ann.page.locator(".switcher button").click(),
        lambda: ann.composer.press_sequentially("@b"),
        lambda: ann.page.get_by_role("button", name="About this channel").click(),
    ]
    for number, opener in enumerate(openers):
        await opener()
        await assert_accessible(ann.page, f"opener {number}", narrow=number != 1)  # what lies under a menu is partly hidden
        await ann.page.keyboard.press("Escape")


async def test_everything_can_be_done_with_the_keyboard(open_app: OpenApp, app_team: AppTeam) -> None:
    await app_team.bob.say(app_team.general, "From Bob")
    ann = await open_app(app_team.ann, app_team.path)
    await ann.message("From Bob").wait_for()
    press = ann.page.keyboard.press
    await ann.until("() => document.activeElement.matches('.composer textarea')")
    await ann.page.keyboard.type("Typed")
    await press("Enter")
    await ann.message("Typed").wait_for()
    await ann.until("() => !document.querySelector('.pending')")
    await press("ArrowUp")
    await ann.page.keyboard.type(" twice")
    await press("Enter")
    await ann.message("Typed twice").wait_for()
    # All that can be focused is reached by Tab, and shows that it is focused.
    await ann.page.evaluate("document.activeElement.blur()")
    seen: list[str] = []
    for _ in range(40):
        await press("Tab")
        label, outlined = await ann.page.evaluate("""() => {
            if (document.activeElement === document.body) return ['', null];
            const here = document.activeElement, style = getComputedStyle(here), box = here.closest('.composer-box');
            const name = here.getAttribute('aria-label') || here.innerText.trim();
            return [name, style.outlineStyle !== 'none' || Boolean(box && getComputedStyle(box).outlineStyle !== 'none')];
        }""")
        if outlined is None:
            continue  # past the last one, the browser's own
        assert outlined, f"{label!r} does not show that it has the focus"
        seen.append(label)
    wanted = [
        "Skip to the page",
        "Dashboard",
        "New channel",
        "Sign out",
        "Go to a date",
        "Messages",
        "Copy link",
        "Edit",
        "Delete",
    ]
    assert [label for label in wanted if label not in seen] == [], seen
    # A dialog takes the focus and gives it back.
    await ann.page.get_by_role("button", name="New channel").focus()
    await press("Enter")
    await ann.until("() => document.activeElement.name === 'name'")
    await press("Escape")
    await ann.page.get_by_role("dialog").wait_for(state="detached")
    await ann.until("() => document.activeElement.getAttribute('aria-label') === 'New channel'")


async def test_no_text_that_people_write_is_taken_for_html(open_app: OpenApp, app_team: AppTeam) -> None:
    ann, bob = app_team.ann, app_team.bob
    named = SMUGGLED[1]
    await bob.patch("/api/me/", {"full_name": named})
    await ann.patch(f"/api/workspaces/{app_team.workspace}/", {"name": named, "description": named})
    channel = await ann.channel(app_team.workspace, named, [bob], topic=named, description=named)
    for text in (*SMUGGLED, *TEXTS):
        await bob.say(channel, text)
    await bob.say(channel, f"@{ann.username} {named}")
    page = await open_app(ann, f"/w/{app_team.workspace}/c/{channel}")
    await page.message(f"@{ann.username} {named}").wait_for()
    shown = "\n".join(await page.texts())
    for text in SMUGGLED:
        plain = text.replace("```", "").strip("`")
        assert plain in shown, text
    links = await page.page.locator(".message a").evaluate_all("(all) => all.map((each) => each.protocol)")
    assert set(links) == {"http:", "https:"}
    for view in (*VIEWS, lambda team: f"/w/{team.workspace}/c/{channel}/settings"):
        assert await page.page.evaluate(FOREIGN) == 0
        await page.go(view(app_team))
        await page.page.locator("h1").wait_for()
        await page.until("() => !document.querySelector('.loading')")
        await page.assert_nothing_wrong()
    assert named in await page.page.locator("h1").inner_text()

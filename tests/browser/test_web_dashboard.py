"""The dashboard and the administration of the web app."""

import re

from tests.browser.conftest import AppTeam
from tests.browser.web_app import AppPage, OpenApp
from tests.conftest import Cluster

NUMBER = (
    "(name) => [...document.querySelectorAll('.figure')].find((f) => f.innerText.includes(name))?.querySelector('dd').innerText"
)


async def number(someone: AppPage, name: str, value: int) -> None:
    await someone.until(f"([name, value]) => ({NUMBER})(name) === String(value)", [name, value])


async def test_the_dashboard_moves_while_messages_arrive_and_people_come(
    open_app: OpenApp, app_team: AppTeam, cluster: Cluster
) -> None:
    await app_team.ann.say(app_team.general, "One")
    ann = await open_app(app_team.ann, f"/w/{app_team.workspace}/dashboard")
    await number(ann, "messages today", 1)
    await number(ann, "online now", 1)
    bob = await open_app(app_team.bob, app_team.path, url=cluster.b.url)
    await number(ann, "online now", 2)
    await ann.page.locator(".people").get_by_text("Bob Example").wait_for()
    for text in ("Two", "Three"):
        await bob.write(text)
    await number(ann, "messages today", 3)
    await number(ann, "active in 15 min", 2)
    newest = ann.page.locator(".feed li").first
    assert "Bob sent a message in #general" in await newest.inner_text()
    today = ann.page.locator(".chart .bar").last
    await today.focus()
    await ann.page.locator(".chart .tip", has_text="3").wait_for()
    assert (await today.get_attribute("aria-label") or "").endswith("3 messages")
    await ann.page.get_by_text("As a table").click()
    assert await ann.page.locator("table tbody tr").count() == 14
    assert (await ann.page.locator("table tbody tr").last.inner_text()).endswith("3")
    await newest.get_by_role("link").click()
    await ann.page.locator(".message.goal", has_text="Three").wait_for()


async def test_an_admin_makes_and_ends_links_and_takes_invitations_back(open_app: OpenApp, app_team: AppTeam) -> None:
    ann = await open_app(app_team.ann, f"/w/{app_team.workspace}/invitations")
    await ann.page.get_by_role("button", name="New link").click()
    await ann.page.get_by_label("How often it can be used").fill("3")
    await ann.page.get_by_role("button", name="Make the link").click()
    url = await ann.page.get_by_label("Link", exact=True).input_value()
    assert re.search(r"/invite/[\w-]{20,}$", url)
    await ann.page.get_by_role("button", name="Close").click()
    await ann.sees("As member, used 0 of 3 times")
    await ann.page.get_by_label("Email").fill("new.person@example.com")
    await ann.page.get_by_role("button", name="Invite").click()
    await ann.page.get_by_role("button", name="Take back").click()
    await ann.page.get_by_role("button", name="Take back").wait_for(state="detached")
    await ann.page.get_by_role("button", name="End").click()
    await ann.sees("No link works at the moment")


async def test_a_guest_is_shown_no_more_than_a_guest_may(open_app: OpenApp, app_team: AppTeam) -> None:
    await app_team.ann.patch(f"/api/workspaces/{app_team.workspace}/members/{app_team.bob.id}/", {"role": "guest"})
    await app_team.ann.channel(app_team.workspace, "secret")
    bob = await open_app(app_team.bob, f"/w/{app_team.workspace}/channels")
    await bob.page.locator(".rows li").first.wait_for()
    text = await bob.page.locator("body").inner_text()
    assert "general" in text
    for hidden in ("secret", "Invitations", "New channel"):
        assert hidden not in text


async def test_the_owner_reads_who_did_what(open_app: OpenApp, app_team: AppTeam) -> None:
    await app_team.ann.patch(f"/api/workspaces/{app_team.workspace}/members/{app_team.bob.id}/", {"role": "admin"})
    ann = await open_app(app_team.ann, f"/w/{app_team.workspace}/settings")
    await ann.page.get_by_role("link", name="Audit log").click()
    await ann.page.locator(".rows li", has_text="member role changed").get_by_text("old role member").wait_for()
    await ann.page.get_by_label("What").select_option("roles")
    await ann.until("() => document.querySelectorAll('.rows li').length === 1")
    bob = await open_app(app_team.bob, f"/w/{app_team.workspace}/audit")
    await bob.sees("This is for the owner")

"""Chat in the web app: two browsers, each at a server process of its own."""

import re

from tests.browser.conftest import AppTeam
from tests.browser.web_app import OpenApp
from tests.browser.wire import Wire
from tests.conftest import Cluster


async def test_two_people_talk_and_see_each_other_type(open_app: OpenApp, app_team: AppTeam, cluster: Cluster) -> None:
    ann = await open_app(app_team.ann, app_team.path)
    bob = await open_app(app_team.bob, app_team.path, url=cluster.b.url)
    for someone in (ann, bob):
        await someone.page.locator(".messages[data-live=true]").wait_for()
    await bob.composer.press_sequentially("Hel", delay=10)
    await ann.sees("Bob is typing")
    await bob.write("Hello Ann 👋 see https://example.com/a_b?c=d.")
    await ann.message("Hello Ann 👋").wait_for()
    await ann.page.locator(".hidden[aria-live]", has_text="Bob Example: Hello Ann").wait_for(state="attached")
    link = ann.page.locator(".message a", has_text="https://example.com/a_b?c=d")
    assert await link.get_attribute("href") == "https://example.com/a_b?c=d"
    assert "noopener" in (await link.get_attribute("rel") or "")
    await ann.write("Hello Bob")
    await bob.message("Hello Bob").wait_for()
    await ann.message("Hello Bob").hover()
    await ann.message("Hello Bob").get_by_role("button", name="Edit").click()
    await ann.page.get_by_label("Edit the message").fill("Hello dear Bob")
    await ann.page.get_by_label("Edit the message").press("Enter")
    await bob.message("Hello dear Bob").wait_for()
    await ann.message("Hello dear Bob").hover()
    await ann.message("Hello dear Bob").get_by_role("button", name="Delete").click()
    await ann.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await bob.sees("This message was deleted")
    assert len(await bob.texts()) == 1


async def test_who_is_cut_off_is_told_writes_on_and_catches_up_exactly(
    open_app: OpenApp, app_team: AppTeam, cluster: Cluster
) -> None:
    async with Wire(cluster.a).laid() as wire:
        ann = await open_app(app_team.ann, app_team.path, url=wire.url)
        await ann.write("Before")
        await ann.message("Before").wait_for()
        await ann.until("() => !document.querySelector('.pending')")
        wire.cut()
        await ann.sees("You are disconnected")
        for number in range(1, 6):
            await app_team.bob.say(app_team.general, f"Missed {number}")
        await ann.write("Written in the tunnel")
        await ann.page.locator(".pending", has_text="Written in the tunnel").wait_for()
        wire.mend()
        await ann.page.get_by_text("You are disconnected").wait_for(state="detached")
        await ann.until("() => !document.querySelector('.pending') && document.body.innerText.includes('tunnel')")
        assert await ann.texts() == ["Before", *(f"Missed {n}" for n in range(1, 6)), "Written in the tunnel"]
        assert [row["body"] for row in await app_team.bob.get("/api/messages/", channel_id=app_team.general)] == await ann.texts()


async def test_what_could_not_be_sent_survives_a_reload_and_is_written_once(
    open_app: OpenApp, app_team: AppTeam, cluster: Cluster
) -> None:
    async with Wire(cluster.a).laid() as wire:
        ann = await open_app(app_team.ann, app_team.path, url=wire.url)
        await ann.sees("This is where #general begins")
        wire.cut()
        await ann.sees("You are disconnected")
        await ann.write("Do not lose me")
        await ann.page.locator(".pending").wait_for()
        wire.mend()
        await ann.page.reload()
        await ann.message("Do not lose me").wait_for()
        await ann.until("() => !document.querySelector('.pending')")
    assert [row["body"] for row in await app_team.bob.get("/api/messages/", channel_id=app_team.general)] == ["Do not lose me"]


async def test_badges_count_what_waits_elsewhere_and_go_when_it_is_read(open_app: OpenApp, app_team: AppTeam) -> None:
    other = await app_team.ann.channel(app_team.workspace, "launch", [app_team.bob])
    await app_team.bob.post("/api/notifications/read/")
    bob = await open_app(app_team.bob, app_team.path)
    await bob.composer.wait_for()
    link = bob.page.get_by_role("navigation").get_by_role("link", name=re.compile("launch"))
    await app_team.ann.say(other, "One")
    await app_team.ann.say(other, "Two")
    await link.locator(".badge", has_text="2").wait_for()
    await app_team.ann.say(other, f"@{app_team.bob.username} three")
    await link.locator(".badge.mention", has_text="1").wait_for()
    await bob.until("() => document.title.startsWith('(1) ')")
    await link.click()
    await bob.sees("three")
    await link.locator(".badge").wait_for(state="detached")
    await bob.until("() => !document.title.startsWith('(')")
    assert (await app_team.bob.get("/api/unread/")) == {"channels": [], "notifications": 0}
    await bob.page.go_back()
    await bob.page.get_by_role("heading", name="general", level=1).wait_for()


async def test_names_are_completed_and_mentions_arrive_everywhere_and_are_read_everywhere(
    open_app: OpenApp, app_team: AppTeam, cluster: Cluster
) -> None:
    ann = await open_app(app_team.ann, app_team.path)
    desk = await open_app(app_team.bob, "/notifications")
    phone = await open_app(app_team.bob, "/notifications", url=cluster.b.url, viewport={"width": 360, "height": 740})
    await phone.sees("All read")
    await ann.composer.press_sequentially("Look @bo")
    await ann.page.get_by_role("option", name=re.compile("Bob Example")).wait_for()
    await ann.composer.press("Enter")
    await ann.until(f"() => document.querySelector('.composer textarea').value === 'Look @{app_team.bob.username} '")
    await ann.composer.press("Enter")
    for device in (desk, phone):
        await device.sees("Ann mentioned you in #general")
        assert (await device.page.title()).startswith("(1) Notifications")
    await desk.page.get_by_role("button", name="Mark as read", exact=True).click()
    for device in (desk, phone):
        await device.until("() => document.title.startsWith('Notifications')")
    await phone.page.get_by_role("link", name=re.compile("Ann mentioned you")).click()
    assert await phone.page.locator(".message.for-me").inner_text()


async def test_channels_are_made_joined_and_left_without_a_reload(open_app: OpenApp, app_team: AppTeam) -> None:
    ann = await open_app(app_team.ann, app_team.path)
    bob = await open_app(app_team.bob, f"/w/{app_team.workspace}/channels")
    await bob.page.get_by_label("Find a channel").wait_for()
    await ann.page.get_by_role("button", name="New channel").click()
    await ann.page.get_by_label("Name").fill("Launch 🚀")
    await ann.page.get_by_role("button", name="Make the channel").click()
    await ann.sees("This is where #Launch 🚀 begins")
    await bob.page.get_by_role("button", name="Join Launch 🚀").click()
    await bob.page.get_by_role("navigation").get_by_role("link", name=re.compile("Launch")).click()
    await bob.write("I am in")
    await ann.message("I am in").wait_for()
    await ann.page.get_by_role("button", name="About this channel").click()
    await ann.sees("2 members")
    await ann.page.get_by_role("link", name="Settings").last.click()
    await ann.page.get_by_role("button", name="Archive this channel").click()
    await ann.page.get_by_role("dialog").get_by_role("button", name="Archive").click()
    await bob.sees("This channel is archived")


async def test_whoever_is_removed_sees_the_workspace_go(open_app: OpenApp, app_team: AppTeam) -> None:
    bob = await open_app(app_team.bob, app_team.path)
    await bob.composer.wait_for()
    ann = await open_app(app_team.ann, f"/w/{app_team.workspace}/members")
    await ann.page.get_by_role("combobox", name="Role of Bob Example").select_option("admin")
    await ann.sees("Bob Example is now admin")
    await bob.page.get_by_role("link", name="Invitations").wait_for()
    await ann.page.get_by_role("button", name="Remove Bob Example").click()
    await ann.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await bob.sees("There is nothing here")

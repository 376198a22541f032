"""The way into the web app and out of it, as people go it."""

from tests.browser.conftest import AppTeam
from tests.browser.web_app import AppPage, OpenApp
from tests.conftest import Cluster, numbers
from tests.servers import MailServer


async def enter_code(someone: AppPage, mail: MailServer, email: str) -> None:
    await someone.page.get_by_label("Code").fill(await mail.code_for(email))
    await someone.page.get_by_role("button", name="Sign in").click()


async def register(someone: AppPage, mail: MailServer, name: str) -> str:
    username = f"{name}{next(numbers)}"
    for label, value in (("Full name", "Nora Example"), ("Username", username), ("Email", f"{username}@example.com")):
        await someone.page.get_by_label(label).fill(value)
    await someone.page.get_by_label("Password").fill("correct horse")
    await someone.page.get_by_role("button", name="Register").click()
    await enter_code(someone, mail, f"{username}@example.com")
    return username


async def test_a_newcomer_registers_makes_a_workspace_and_writes_its_first_message(open_app: OpenApp, mail: MailServer) -> None:
    nora = await open_app(None)
    await nora.page.get_by_role("link", name="Register").click()
    await register(nora, mail, "nora")
    await nora.page.get_by_label("Name").fill("Kitchen")
    await nora.page.get_by_role("button", name="Make the workspace").click()
    await nora.sees("This is where #general begins")
    await nora.write("First!")
    await nora.message("First!").wait_for()
    await nora.until("() => !document.querySelector('.pending')")
    assert await nora.page.title() == "#general · Kitchen"


async def test_a_wrong_code_is_refused_in_words_and_the_right_one_leads_to_the_page_that_was_asked_for(
    open_app: OpenApp, app_team: AppTeam, mail: MailServer
) -> None:
    ann = await open_app(None, f"/w/{app_team.workspace}/members")
    await ann.page.get_by_label("Email").fill(app_team.ann.email)
    await ann.page.get_by_role("button", name="Mail me a code").click()
    code = await mail.code_for(app_team.ann.email)
    await ann.page.get_by_label("Code").fill("000000" if code != "000000" else "111111")
    await ann.page.get_by_role("button", name="Sign in").click()
    await ann.page.get_by_role("alert").get_by_text("Invalid or expired code").wait_for()
    await ann.page.get_by_label("Code").fill(code)
    await ann.page.get_by_role("button", name="Sign in").click()
    await ann.page.get_by_role("heading", name="Members").wait_for()
    assert ann.page.url.endswith(f"/w/{app_team.workspace}/members")


async def test_whoever_follows_an_invitation_link_registers_and_joins(
    open_app: OpenApp, app_team: AppTeam, mail: MailServer
) -> None:
    link = await app_team.ann.post(f"/api/workspaces/{app_team.workspace}/invite-links/", {"role": "member"})
    guest = await open_app(None, f"/invite/{link['token']}")
    await guest.sees("You are invited")
    await guest.page.get_by_role("link", name="Register").click()
    username = await register(guest, mail, "iris")
    await guest.sees("Engineering Team")
    await guest.page.get_by_role("button", name="Join").click()
    await guest.page.get_by_role("heading", name="general", level=1).wait_for()
    members = await app_team.ann.get(f"/api/workspaces/{app_team.workspace}/members/")
    assert username in [member["username"] for member in members]


async def test_a_link_that_has_ended_says_so(open_app: OpenApp, app_team: AppTeam) -> None:
    ann = await open_app(app_team.ann, "/invite/" + "x" * 32)
    await ann.sees("This invitation does not work")


async def test_who_is_signed_out_elsewhere_is_thrown_out_at_once(
    open_app: OpenApp, app_team: AppTeam, cluster: Cluster, mail: MailServer
) -> None:
    phone = await open_app(None, app_team.path, url=cluster.b.url)
    await phone.page.get_by_label("Email").fill(app_team.ann.email)
    await phone.page.get_by_role("button", name="Mail me a code").click()
    await enter_code(phone, mail, app_team.ann.email)
    await phone.composer.wait_for()
    desk = await open_app(app_team.ann, "/sessions")
    await desk.page.get_by_role("button", name="Sign out all others").click()
    await phone.page.get_by_role("heading", name="Sign in").wait_for()
    await phone.sees("You have been signed out.")
    await desk.until("() => document.querySelectorAll('.rows li').length === 1")
    assert await desk.page.locator(".tag", has_text="this one").count() == 1


async def test_signing_out_leaves_nothing_of_the_person_on_the_page(open_app: OpenApp, app_team: AppTeam) -> None:
    bob = await open_app(app_team.bob, app_team.path)
    await bob.composer.wait_for()
    await bob.page.get_by_role("button", name="Sign out").click()
    await bob.page.get_by_role("heading", name="Sign in").wait_for()
    assert "Engineering Team" not in await bob.page.content()
    await bob.go(app_team.path)
    await bob.page.get_by_role("heading", name="Sign in").wait_for()

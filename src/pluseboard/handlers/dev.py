"""The development mailbox: what would have been sent by mail, while DEBUG is on and no EMAIL_HOST is set."""

from html import escape

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pluseboard.errors import NotFound
from pluseboard.mail import KeptMail
from pluseboard.services import Services

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="3">
<title>Mailbox · pluseboard</title>
</head>
<body>
<h1>Development mailbox</h1>
<p>What pluseboard would have sent by mail, newest first. The page renews itself every three seconds.</p>
<hr>
{mails}
</body>
</html>
"""
MAIL = """<article>
<h2>{subject}</h2>
<p>To <strong>{recipient}</strong>, <time datetime="{created_at}Z">{created_at}</time> UTC</p>
<pre>{text}</pre>
</article>
<hr>"""
NOTHING = "<p>No mail yet. Ask for a sign-in code and it will be here.</p>"


async def mailbox(app: Services, request: Request) -> Response:
    """The newest 50 mails as a page, or with ?format=json for scripts.

    Raises NotFound.
    """
    if not app.settings.dev_mailbox:
        raise NotFound
    mails = await app.mailer.mailbox()
    if request.query_params.get("format") == "json":
        body = msgspec.json.encode({"status": "success", "data": [mail._asdict() for mail in mails]})
        return Response(body, media_type="application/json")
    return HTMLResponse(PAGE.format(mails="\n".join(map(_article, mails)) or NOTHING))


def _article(mail: KeptMail) -> str:
    return MAIL.format(**{name: escape(value) for name, value in mail._asdict().items()})

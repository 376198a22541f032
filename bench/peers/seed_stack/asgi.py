# ruff: noqa: E402 (Django comes up before anything imports models)
import os

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"

from django.core.asgi import get_asgi_application

django = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter
from chat.consumers import ChatConsumer
from django.urls import path

application = ProtocolTypeRouter({"http": django, "websocket": URLRouter([path("ws/chat/", ChatConsumer.as_asgi())])})

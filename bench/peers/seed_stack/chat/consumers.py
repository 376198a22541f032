"""The seed's chat socket. A `ref` is answered by an ack, as pluseboard does it: without one no sender could be timed."""

from urllib.parse import parse_qs

import jwt
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from chat.models import Message, User
from chat.tokens import user_of


class ChatConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        token = parse_qs(self.scope["query_string"].decode()).get("token", [""])[0]
        try:
            self.user = await database_sync_to_async(user_of)(token)
        except (jwt.PyJWTError, User.DoesNotExist):
            await self.close()
            return
        await self.accept()

    async def receive_json(self, content):
        group = f"chat_{content['channel_id']}"
        if content["type"] == "join_channel":
            await self.channel_layer.group_add(group, self.channel_name)
            self.groups.append(group)  # the base class leaves them when the socket ends
        elif content["type"] == "send_message":
            message = await self.write(content["channel_id"], content["body"])
            await self.channel_layer.group_send(group, {"type": "new_message", "message": message})
        if "ref" in content:
            await self.send_json({"type": "ack", "ref": content["ref"]})

    @database_sync_to_async
    def write(self, channel_id, body):
        return Message.objects.create(channel_id=channel_id, sender=self.user, body=body).as_json()

    async def new_message(self, event):
        await self.send_json(event)

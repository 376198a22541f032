"""The seed's two calls on messages. Less is done than pluseboard does: no look at memberships, no activity, no read position."""

import json

import jwt
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt

from chat.models import Message, User
from chat.tokens import user_of

PAGE = 50


@csrf_exempt
def messages(request):
    try:
        user = user_of(request.COOKIES.get("access_token"))
    except (jwt.PyJWTError, User.DoesNotExist):
        return JsonResponse({"status": "error", "message": "Invalid or expired token"}, status=401)
    if request.method == "POST":
        return send(request, user)
    found = Message.objects.filter(channel_id=request.GET["channel_id"]).select_related("sender").order_by("-id")
    if "before_id" in request.GET:
        found = found.filter(id__lt=request.GET["before_id"])
    return JsonResponse({"status": "success", "data": [message.as_json() for message in reversed(found[:PAGE])]})


def send(request, user):
    asked = json.loads(request.body)
    message = Message.objects.create(channel_id=asked["channel_id"], sender=user, body=asked["body"])
    event = {"type": "new_message", "message": message.as_json()}
    async_to_sync(get_channel_layer().group_send)(f"chat_{message.channel_id}", event)
    return JsonResponse({"status": "success", "message_id": message.id}, status=201)

import jwt
from django.conf import settings

from chat.models import User


def user_of(token):
    """The user of a signed token. Raises jwt.PyJWTError, User.DoesNotExist."""
    claims = jwt.decode(token or "", settings.JWT_SECRET_KEY, algorithms=["HS256"], options={"require": ["exp", "sub"]})
    return User.objects.get(pk=claims["sub"])

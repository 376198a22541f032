from django.db import models


class User(models.Model):
    email = models.EmailField(unique=True)

    class Meta:
        db_table = "users"


class Channel(models.Model):
    name = models.CharField(max_length=80)

    class Meta:
        db_table = "channels"


class Message(models.Model):
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE)
    sender = models.ForeignKey(User, on_delete=models.CASCADE)
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "messages"

    def as_json(self):
        created_at = self.created_at.strftime("%Y-%m-%dT%H:%M:%S")
        return {"id": self.id, "sender_email": self.sender.email, "body": self.body, "created_at": created_at}

from chat import views
from django.urls import path

urlpatterns = [path("api/messages/", views.messages)]

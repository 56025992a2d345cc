from __future__ import annotations

from rest_framework import serializers

from accounts.api.serializers import PageQuery, StrictSerializer, Switch, Text
from accounts.models.policy import SignInLevel
from meetings.models import CallSession, Participant, Room
from meetings.models.participant import Role, State
from meetings.models.room import LOBBY_MESSAGE_MAX_LENGTH, NAME_MAX_LENGTH
from meetings.templatetags.portal_links import room_link


class RoomsQuery(PageQuery):
    q = Text(
        max_length=NAME_MAX_LENGTH,
        min_length=1,
        default="",
        trim_whitespace=False,
        help_text="Words that name or link hold, each of them.",
    )
    state = serializers.ChoiceField(choices=["open", "closed", "all"], default="open", help_text="`closed`: for good.")


class RoomChangeSerializer(StrictSerializer):
    """What is not sent stays, or is as the owner's organisation lays it down."""

    name = Text(required=False, allow_blank=True, max_length=NAME_MAX_LENGTH)
    has_lobby = Switch(required=False, help_text="People wait until the host lets them in.")
    lobby_message = Text(
        required=False,
        allow_blank=True,
        max_length=LOBBY_MESSAGE_MAX_LENGTH,
        trim_whitespace=False,
        help_text="Those who wait read it.",
    )
    is_locked = Switch(required=False, help_text="Nobody new may enter.")
    required_acr = serializers.ChoiceField(
        choices=SignInLevel.choices,
        required=False,
        help_text="How strongly people must have signed in; only stricter than what is laid down for the owner.",
    )


class RoomSerializer(serializers.Serializer[Room]):
    id = serializers.UUIDField(help_text="It opens nothing.")
    name = serializers.CharField(help_text="Empty where the owner gave it none.")
    link = serializers.SerializerMethodField()
    owner = serializers.UUIDField(source="owner.public_id")
    has_lobby = serializers.BooleanField()
    lobby_message = serializers.CharField()
    is_locked = serializers.BooleanField()
    required_acr = serializers.ChoiceField(choices=SignInLevel.choices)
    people_inside = serializers.IntegerField(min_value=0, help_text="Who is in the call now.")
    created_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True, help_text="For good.")

    def get_link(self, room: Room) -> str:
        """What people are sent: whoever has it stands before the door."""
        return room_link(room)


class ParticipantSerializer(serializers.Serializer[Participant]):
    identity = serializers.CharField(help_text="Their public name on the media server: random, of this room only.")
    name = serializers.CharField(help_text="As they called themselves.")
    person = serializers.UUIDField(source="user.public_id", allow_null=True, default=None, help_text="Null: a guest.")
    role = serializers.ChoiceField(choices=Role.choices)
    state = serializers.ChoiceField(choices=[State.WAITING.value, State.ADMITTED.value])
    is_in_call = serializers.BooleanField(help_text="False: they wait, or were let in and are on the way.")
    asked_at = serializers.DateTimeField()
    admitted_at = serializers.DateTimeField(allow_null=True)


class CallSerializer(serializers.Serializer[CallSession]):
    id = serializers.CharField(source="sid")
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True, help_text="Null: it goes on.")
    people = serializers.IntegerField(min_value=0, help_text="How many were in it, each counted once.")

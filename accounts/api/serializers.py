"""What comes in is checked strictly: what is unknown is refused, since a misspelt name would do nothing in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext
from rest_framework import serializers

from accounts.api.pages import DEFAULT_LIMIT, MAX_LIMIT
from accounts.api.scopes import scopes
from accounts.models import ApiToken, Membership, User
from accounts.models.organisation import MembershipRole
from accounts.models.user import is_placeholder

CURSOR_MAX_LENGTH = 300
# Of a thousand wrong fields nobody reads more.
MAX_NAMED = 20


class StrictSerializer(serializers.Serializer[Any]):
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = [str(name) for name in data if name not in self.fields]
            if unknown:
                error = serializers.ErrorDetail(gettext("There is no such field."), code="unknown")
                raise serializers.ValidationError({name: [error] for name in unknown[:MAX_NAMED]})
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """No number is taken for one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Switch(serializers.BooleanField):
    """True or false; neither 1 nor "yes"."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class PageQuery(StrictSerializer):
    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT, help_text="How many rows a page has."
    )
    cursor = Text(max_length=CURSOR_MAX_LENGTH, default="", help_text="Of the page before; part of its `next`.")


class PeopleQuery(PageQuery):
    q = Text(
        max_length=100,
        min_length=2,
        default="",
        trim_whitespace=False,
        help_text="How the e-mail address, the first or the last name begins; of several words each must fit.",
    )
    is_active = serializers.ChoiceField(
        choices=["true", "false"], default="", help_text="Only accounts that work, or that are suspended (`false`)."
    )


class MembershipSerializer(serializers.Serializer[Membership]):
    organisation = serializers.UUIDField(source="organisation.public_id", help_text="Its public id.")
    name = serializers.CharField(source="organisation.name")
    siret = serializers.CharField(source="organisation.siret", help_text="Empty where it has none.")
    role = serializers.ChoiceField(choices=MembershipRole.choices)


class PersonSerializer(serializers.Serializer[User]):
    id = serializers.UUIDField(source="public_id", help_text="It never changes; addresses do.")
    email = serializers.SerializerMethodField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    display_name = serializers.CharField(help_text="What others read in a room.")
    is_active = serializers.BooleanField(help_text="False: suspended.")
    organisations = MembershipSerializer(source="todays_memberships", many=True, help_text="Where they work today.")

    def get_email(self, person: User) -> str | None:
        """Null where the account has none that is its own."""
        return None if is_placeholder(person.email) else person.email


class TokenSerializer(serializers.Serializer[ApiToken]):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField(help_text="The application that it was given to.")
    owner = serializers.UUIDField(source="owner.public_id", help_text="The person whose rights bound it.")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=[]))
    requests_per_minute = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        # Apps above register theirs when all are loaded.
        fields["scopes"] = serializers.ListField(child=serializers.ChoiceField(choices=sorted(scopes)))
        return fields

"""By whom a person is known at a sign-in service, and the proposals to make one person of two accounts.

The key is `(issuer, sub)`; address, SIRET and the rest are what the service said the last time, and open nothing. Most
people have one row; a second one comes by a merge, when a ministry has changed its identity provider.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import siret
from accounts.models.provisioning import KEY_MAX_LENGTH


class SignInIdentity(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identities", verbose_name=_("person")
    )
    issuer = models.CharField(_("sign-in service"), max_length=200)
    sub = models.CharField(_("key there"), max_length=255)
    email = models.EmailField(_("e-mail address"), blank=True)
    siret = models.CharField(_("SIRET"), max_length=siret.LENGTH, blank=True)
    organisation = models.CharField(_("organisation"), max_length=200, blank=True)
    idp_id = models.CharField(_("identity provider"), max_length=200, blank=True)
    uid = models.CharField(_("key at the identity provider"), max_length=255, blank=True)
    acr = models.CharField(_("level of the last sign-in"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("first sign-in"), default=timezone.now, editable=False)
    last_sign_in_at = models.DateTimeField(_("last sign-in"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("sign-in identity")
        verbose_name_plural = _("sign-in identities")
        ordering: ClassVar = ["-last_sign_in_at", "pk"]
        indexes: ClassVar = [
            # A whole ministry is found by the provider that it leaves.
            models.Index(fields=["idp_id", "uid"], name="identity_by_provider"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["issuer", "sub"], name="identity_one_per_sub"),
            models.CheckConstraint(condition=~models.Q(issuer="") & ~models.Q(sub=""), name="identity_has_a_key"),
        ]

    def __str__(self) -> str:
        return f"{self.email or self.sub} · {self.issuer}"


class MergeReason(models.TextChoices):
    NEW_SUB = "new_sub", _("Same address and SIRET, another key: the identity provider may have changed")
    NOT_ATTACHED = "not_attached", _("Same address as an account that has never signed in by this service")


class MergeState(models.TextChoices):
    OPEN = "open", _("Open")
    DECLINED = "declined", _("Two people")
    DONE = "done", _("Merged")


class MergeProposal(models.Model):
    """Two accounts that may be one person's. An administrator decides: nothing follows from the row by itself."""

    fresh = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("new account")
    )
    known = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("known account")
    )
    reason = models.CharField(_("reason"), max_length=12, choices=MergeReason)
    state = models.CharField(_("state"), max_length=8, choices=MergeState, default=MergeState.OPEN)
    created_at = models.DateTimeField(_("proposed at"), default=timezone.now, editable=False)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True, editable=False)
    # By which it was done: what takes it back.
    run = models.CharField(_("run"), max_length=KEY_MAX_LENGTH, blank=True, editable=False)

    class Meta:
        verbose_name = _("merge proposal")
        verbose_name_plural = _("merge proposals")
        ordering: ClassVar = ["-created_at", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["fresh", "known"], name="merge_proposed_once"),
            models.CheckConstraint(condition=~models.Q(fresh=models.F("known")), name="merge_of_two_accounts"),
            models.CheckConstraint(condition=models.Q(reason__in=MergeReason.values), name="merge_reason_is_known"),
            models.CheckConstraint(condition=models.Q(state__in=MergeState.values), name="merge_state_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.fresh_id} → {self.known_id}"

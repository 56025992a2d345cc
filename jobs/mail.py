"""Mail goes by the queue: `EMAIL_BACKEND` is ours, so that whatever sends mail writes a row and an order.

Both are in the sender's transaction, committed with its cause or not at all. Without `EMAIL_URL` there is the
row alone: administrators find it, and pass on what it says. Neither text nor address goes into logs or into the job.
"""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from datetime import timedelta
from email.utils import make_msgid

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import timezone

from jobs.models import Mail
from jobs.queue import GiveUp, enqueue

KIND = "jobs.send_mail"


class NotSent(Exception):
    """To be tried again. Its text names the kind of failure only: a server's answer often names the address."""


class QueuedBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            keep(message)
        return len(email_messages)


def keep(message: EmailMessage) -> Mail:
    """The row, with the order to send it where the portal can. Raises what a message that cannot be written raises."""
    if message.attachments:
        raise ValueError("The queue takes no attachments yet.")
    message.message()  # a line break in a header is its sender's mistake: said here, not in a job
    # The same at each attempt: a server that took it before the connection broke can tell it is the same.
    headers = {"Message-ID": make_msgid(domain="visio.invalid"), **message.extra_headers}
    with transaction.atomic():
        mail = Mail.objects.create(
            to=", ".join(message.to),
            subject=str(message.subject),
            content={
                "from": message.from_email,
                "to": list(message.to),
                "cc": list(message.cc),
                "bcc": list(message.bcc),
                "reply_to": list(message.reply_to),
                "headers": {name: str(value) for name, value in headers.items()},
                "text": str(message.body),
                "others": [[str(text), str(kind)] for text, kind in getattr(message, "alternatives", ())],
            },
        )
        if settings.MAIL_DELIVERY_BACKEND:
            order(mail)
    return mail


def order(mail: Mail) -> None:
    """Orders that it is sent, from now on with all its attempts."""
    with transaction.atomic():
        mail.job = enqueue(KIND, {"mail": mail.pk})
        mail.save(update_fields=["job"])


def deliver(key: int) -> None:
    """Hands a mail over to the server. Raises `NotSent` or `GiveUp`. What was sent keeps no text."""
    mail = Mail.objects.filter(pk=key, sent_at=None).first()
    if mail is None:
        return  # sent by an attempt whose end was not noted, or purged
    if not settings.MAIL_DELIVERY_BACKEND:
        raise GiveUp("EMAIL_URL is not set any more; the mail is kept.")
    try:
        get_connection(settings.MAIL_DELIVERY_BACKEND).send_messages([_message(mail)])
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        if all(code >= 500 for code in codes):  # RFC 5321 §4.2.1: permanent
            raise GiveUp(f"The mail server refuses the recipient ({codes}).") from None
        raise NotSent(f"The mail server refuses the recipient for now ({codes}).") from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"{type(error).__name__} {error.smtp_code}") from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(type(error).__name__) from None
    Mail.objects.filter(pk=key).update(sent_at=timezone.now(), content={})


def purge() -> int:
    """Deletes what is older than `MAIL_RETENTION_DAYS`, sent or not. How many there were."""
    deleted, _ = Mail.objects.filter(
        created_at__lt=timezone.now() - timedelta(days=settings.MAIL_RETENTION_DAYS)
    ).delete()
    return deleted


def _message(mail: Mail) -> EmailMultiAlternatives:
    content = mail.content
    message = EmailMultiAlternatives(
        mail.subject,
        content["text"],
        content["from"],
        content["to"],
        bcc=content["bcc"],
        cc=content["cc"],
        reply_to=content["reply_to"],
        headers=content["headers"],
    )
    for text, kind in content["others"]:
        message.attach_alternative(text, kind)
    return message

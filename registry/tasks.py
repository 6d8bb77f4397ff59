"""Thin tasks: they take ids, call one service, and may run twice."""

from celery import shared_task

from registry.models import Upload
from registry.services.uploads import PROCESS_TASK, upload_process


@shared_task(name=PROCESS_TASK)
def process(upload_id: str) -> None:
    upload_process(upload=Upload.objects.get(pk=upload_id))

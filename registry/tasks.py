"""Thin tasks: they take ids, call one service, and may run twice."""

from uuid import UUID

from celery import shared_task

from registry.exporting import export_write
from registry.models import ListExport, Upload
from registry.services.exports import TASK as EXPORT_TASK
from registry.services.exports import exports_send_again, exports_sweep
from registry.services.sweeping import TASK as APPLIED_TASK
from registry.services.sweeping import applied_take_up, sweep_run
from registry.services.uploads import PROCESS_TASK, RESUME_TASK, upload_process, uploads_resume


@shared_task(name=PROCESS_TASK)
def process(upload_id: str) -> None:
    upload_process(upload=Upload.objects.get(pk=upload_id))


@shared_task(name=RESUME_TASK)
def resume() -> None:
    """Take up again what a killed worker or a lost message left under way."""
    uploads_resume()


@shared_task(name=EXPORT_TASK)
def write_export(export_id: str) -> None:
    export_write(ListExport.objects.get(pk=export_id))


@shared_task(name="registry.exports")
def exports() -> None:
    """Files whose time is over, and runs that a lost message left waiting."""
    exports_sweep()
    exports_send_again()


@shared_task(name="registry.sweep")
def sweep() -> None:
    """Judge all files, once a night; sent again and again until morning, so that a killed worker's sweep is taken up."""
    sweep_run()


@shared_task(name=APPLIED_TASK)
def after_apply(request_id: str) -> None:
    applied_take_up(request_id=UUID(request_id))

"""Debug reports of the boot door, for the owner and whoever mends a deployer's backend (protocol-boot.md section 5)."""

from accredit.server.api.operations import Call, found, operation
from accredit.server.api.replies import Reply, json_reply
from accredit.server.boot_reports import OwnersReport, find_report


@operation("GET", "/v1/boot_reports/{request_id}", answer=OwnersReport, codes=("boot_report_not_found",), limited=True)
async def read_boot_report(call: Call) -> Reply:
    """Read how the signature of a boot fared, with the mistake that was likely made. A report is kept for 24 hours."""
    report = await call.node.store.read(find_report, (call.part("request_id"), call.scope, call.now_ms))
    reached = report if report is not None and call.reaches(report.integration_id) else None
    return json_reply(call.request_id, found(reached, "boot_report_not_found"))


OPERATIONS = (read_boot_report,)

"""What people are told of an analysis."""

from tasks.analyze.analysis import Analysis
from tasks.events import AnalysisCompleted, NotificationRequested
from tasks.urls import printable

MAX_MESSAGE = 2000


def analysis_complete(analysis: Analysis, url: str, user_id: str) -> NotificationRequested:
    """The word to the user: how many recommendations there are, and whose where the model gave none."""
    count = len(analysis.items)
    counted = f"{count} recommendation{'' if count == 1 else 's'}" if count else "nothing to recommend"
    if analysis.failure is not None:
        message = f"{printable(url, 500)}: {printable(str(analysis.failure), 1000)}. The rules give {counted}."
        return NotificationRequested(
            user_id=user_id, title="Analysis Failed", message=message[:MAX_MESSAGE], type="warning"
        )
    return NotificationRequested(
        user_id=user_id, title="Analysis Complete", message=f"{printable(url, 500)}: {counted}", type="success"
    )


def analysis_completed(analysis: Analysis, *, page_id: str, url: str, user_id: str, run_id: str) -> AnalysisCompleted:
    """The record of an analysed page."""
    return AnalysisCompleted(
        page_id=page_id,
        url=url,
        user_id=user_id,
        run_id=run_id,
        recommendation_count=len(analysis.items),
        status="complete" if analysis.failure is None else "failed",
    )

"""Counts in words, the same wherever they are told."""

from tasks.store import Progress


def progress_words(progress: Progress) -> str:
    """The counts in one line."""
    words = [f"{progress.done:,}/{progress.total - progress.held_back:,} pages"]
    if progress.held_back:
        words.append(f"{progress.held_back:,} beyond the limit")
    if progress.linked:
        words.append(f"{progress.linked:,} cached")
    if progress.not_modified:
        words.append(f"{progress.not_modified:,} not modified")
    if progress.failed + progress.quarantined:
        words.append(f"{progress.failed + progress.quarantined:,} failed")
    if progress.skipped:
        words.append(f"{progress.skipped:,} skipped")
    if progress.retries_waiting:
        words.append(f"{progress.retries_waiting:,} retries waiting")
    fetched = progress.done - progress.linked
    if progress.first_request_at and progress.last_commit_at and fetched:
        seconds = (progress.last_commit_at - progress.first_request_at).total_seconds()
        if seconds > 0:
            words.append(f"{fetched / seconds:,.0f} pages/s")
    return ", ".join(words)

"""Merging the parts of a run: apart from Prefect, which its process would have to import."""

from tasks.store import Compacted, Store


def merge_parts(data: str, run_id: str) -> Compacted:
    """Merges them where they are many; what else is due in the folder is done, too."""
    with Store.open(data) as store:
        return store.upkeep.after_run(run_id)

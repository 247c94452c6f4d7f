"""``store migrate``: from one folder to a database and a bucket."""

from deployments.cli import screen
from deployments.cli.options import PLACE, Place


def migrate(*, place: Place = PLACE) -> int:
    """Copy the data folder's store to the database SEO_CATALOGUE_URL and the bucket SEO_FACTS_URL.

    What was broken off is taken up. The folder keeps all it has, and a mark of where its store went: without the
    variables nothing opens it any more by mistake.
    """
    from tasks.store.moving import move  # noqa: PLC0415 - imports the engines

    moved = move(place.folder, screen.say)
    if moved.rows is None:
        screen.line(f"the store of {place.folder} is in {moved.catalogue} already, its facts in {moved.facts}")
        return 0
    screen.line(
        f"moved {moved.rows:,} rows of the catalogue to {moved.catalogue}, and {moved.files:,} files of facts to "
        f"{moved.facts}"
    )
    screen.say(
        f"set the same variables wherever `seo` runs, and name another folder than {place.folder} for copies if you "
        "may want to go back; for deployments save them with that: `seo blocks store /srv/seo`"
    )
    return 0

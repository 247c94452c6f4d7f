"""Sites with far more findings than memory."""

import duckdb
import pytest

from tasks.audit.profile import Profile
from tasks.audit.site.engine import audit_site
from tasks.audit.site.prepare import _signatures, prepare
from tasks.audit.site.site import Site
from tasks.store.columns import FACT_TABLES

PAGES, LINKS = 1_000, 100
TEMPLATED = f"""
    SELECT 'r' AS run_id, format('{{:016x}}', n) AS page_id, 'https://example.com/' || n AS url, url AS final_url,
        if(n < {LINKS}, 404, 200) AS status, 'completed' AS outcome, '' AS not_indexable,
        if(n < {LINKS}, NULL, 1000) AS html_length
    FROM range({PAGES}) _(n)"""  # noqa: S608 - numbers of this module
LINKED = f"""
    SELECT 'r' AS run_id, format('{{:016x}}', source) AS page_id, 'https://example.com/' || target AS url,
        repeat('Read more ', 20) AS text, '' AS rel, 'nav' AS position, true AS internal
    FROM range({LINKS}, {PAGES}) _(source), range({LINKS}) __(target)"""  # noqa: S608 - the same


@pytest.fixture
def site(empty, tmp_path):
    """Every page has the same hundred broken links."""
    db = duckdb.connect(config={"memory_limit": "64MB", "threads": 2, "temp_directory": str(tmp_path)})
    made = {"pages": TEMPLATED, "links": LINKED}
    for table in FACT_TABLES:
        rows = f"UNION ALL BY NAME {made[table.name]}" if table.name in made else ""
        db.execute(f"CREATE VIEW {table.name} AS FROM read_parquet('{empty}/{table.name}.parquet') {rows}")
    db.execute("CREATE VIEW run AS SELECT 'r' AS run_id, NULL AS start_url, 'host' AS scope, true AS complete")
    with db:
        yield prepare(db)


def test_findings_need_not_fit_into_memory(site):
    verdict = audit_site(site, Profile(select=("link-broken-internal",)))
    found = [issue for frame in verdict.issues() for issue in frame["message"]]
    assert {message[-12:] for message in found} == {"answers 404."}
    assert len(found) == LINKS * (PAGES - LINKS)


def test_signatures_of_a_large_site_keep_their_rows():
    size = 250_000  # several groups of rows, which threads read in any order
    with duckdb.connect(config={"threads": 2, "preserve_insertion_order": False}) as db:
        made = "SELECT list_resize([n], 128, n)::UINTEGER[] AS minhash FROM range($size) _(n)"
        db.execute(f"CREATE TABLE signature AS {made}", {"size": size})
        numbers = db.execute("SELECT minhash[1] AS number FROM signature ORDER BY rowid").fetchnumpy()["number"]
        signatures = _signatures(Site(db, "", complete=True))
    assert signatures.shape == (size, 128)
    assert (signatures == numbers[:, None]).all()
